/** Words and times. `m.some_message({ part })` gives the word in the language in use. */
export * as m from "../paraglide/messages.js";
export { language, type Locale, setLanguage } from "./language.svelte";
export {
  ageInCell,
  ageInSentence,
  clockTime,
  countdown,
  duration,
  exactTime,
  instant,
  latency,
  secondsTime,
} from "./time";
