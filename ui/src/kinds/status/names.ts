/** Names as people say them: images by their tag, repositories without their owner, known environments in one's language. */
import { m } from "../../i18n";

/** The tag of an image reference; a digest is cut to twelve characters. */
export function tagOf(image: string): string {
  const digest = image.split("@sha256:")[1];
  const name = image.split("@")[0] ?? "";
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (tag) return tag;
  return digest ? digest.slice(0, 12) : "latest";
}

/** `web` of `ihealth/web`. */
export function repoName(repo: string): string {
  return repo.slice(repo.lastIndexOf("/") + 1);
}

/** dev, staging, production in one's language; any other name stays as it is. */
export function environmentLabel(name: string): string {
  if (/^(dev|develop|development)$/i.test(name)) return m.env_dev();
  if (/^(staging|stage|stg)$/i.test(name)) return m.env_staging();
  if (/^(prod|production)$/i.test(name)) return m.env_production();
  return name;
}

/** The same for a tag in a row: production is `prod`. */
export function environmentTag(name: string): string {
  return /^(prod|production)$/i.test(name) ? m.env_prod() : environmentLabel(name);
}

/** First seven characters of a sha. */
export function shortSha(sha: string): string {
  return sha.slice(0, 7);
}
