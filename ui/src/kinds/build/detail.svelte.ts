/**
 * A build with its steps: a feed row may have none, so the build is read anew when one looks at it.
 * Refuses: replacing what the live model knows better.
 */
import { asApiError, expectAnswer } from "../../host";
import type { Session } from "../../live";
import type { ApiError, Build } from "../../wire";

export class BuildDetail {
  #session: Session;
  #id = $state("");
  #read = $state.raw<Build | null>(null);
  /** Why it could not be read. */
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);

  constructor(session: Session) {
    this.#session = session;
  }

  /** The build: the live one, with the steps that were read where it has none. */
  readonly build: Build | null = $derived.by(() => {
    const live = this.#session.live.builds.get(this.#id);
    const read = this.#read?.id === this.#id ? this.#read : null;
    if (!live) return read;
    if (live.steps_known || !read || read.steps.length === 0) return live;
    return { ...live, steps: read.steps, steps_known: read.steps_known };
  });

  /** Looks at that build. Called in an effect: reads again whenever its state changed and its steps are not known. */
  look(id: string): void {
    this.#id = id;
    const live = this.#session.live.builds.get(id);
    if (live?.steps_known) return;
    void this.#ask(id);
  }

  async #ask(id: string): Promise<void> {
    this.loading = true;
    this.error = null;
    try {
      const item = expectAnswer(await this.#session.query({ what: "item", id }), "item");
      if (item.kind === "build" && this.#id === id) this.#read = item;
    } catch (thrown) {
      if (this.#id === id) this.error = asApiError(thrown);
    } finally {
      if (this.#id === id) this.loading = false;
    }
  }
}
