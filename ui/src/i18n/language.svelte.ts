/** The language in use: a state, so that every word follows it without a reload. */
import { overwriteGetLocale, overwriteSetLocale } from "../paraglide/runtime.js";

export type Locale = "en" | "zh-CN";

class Language {
  locale = $state<Locale>(systemLocale());
  get isChinese(): boolean {
    return this.locale === "zh-CN";
  }
}

function systemLocale(): Locale {
  return typeof navigator !== "undefined" && /^zh/i.test(navigator.language) ? "zh-CN" : "en";
}

export const language = new Language();
overwriteGetLocale(() => language.locale);
overwriteSetLocale((locale) => setLanguage(locale));

/** `en`, `zh-CN`, or empty for the system's. */
export function setLanguage(wanted: string): void {
  const locale: Locale = wanted === "" ? systemLocale() : wanted.startsWith("zh") ? "zh-CN" : "en";
  language.locale = locale;
  if (typeof document !== "undefined") document.documentElement.lang = locale;
}
