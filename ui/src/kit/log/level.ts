// How loud a line is. Refuses to guess: a line is an error when it says so at a place where programs say so.

/** Loudness of a line. */
export type Level = "" | "warn" | "error";

const ERROR = new RegExp(
  [
    // a level in front, with or without a time before it: [ERROR], ERROR, E/tag, error:, fatal:, panic:
    String.raw`^\W{0,3}(?:\d[\d:.,TZ+\- ]*\s+)?(?:\[[^\]]{0,40}\]\s+)?[\[(<]?(?:ERROR|FATAL|SEVERE|CRITICAL|PANIC)[\])>]?(?:[:\s]|$)`,
    String.raw`^\s*(?:[\w@./\\-]+[:(][\d:,)]*:?\s+)?(?:fatal )?(?:error|fatal|panic)(?: \w*\d+)?\b\s*:`,
    String.raw`^\s*(?:npm|yarn|pnpm) (?:ERR!|error)`,
    String.raw`^\s*(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception)(?::\s|$)`,
    String.raw`^\s*(?:Caused by|Uncaught|Unhandled|Exception in thread)\b`,
    String.raw`^\s*(?:--- FAIL:|FAIL\b|FAILED\b|FAILURE\b|not ok \d)`,
    String.raw`^\s*(?:✗|✘|✖|×|❌)\s`,
    String.raw`^\s*(?:E|F)\s{2,}\S`,
    String.raw`<<< (?:FAILURE|ERROR)!`,
    String.raw`^\s*Traceback \(most recent call last\)`,
    String.raw`^\s*(?:Segmentation fault|Killed|Out of memory)\b`,
    String.raw`(?:command not found|No such file or directory|Permission denied)\s*$`,
    String.raw`^\s+\d+:\d+\s+error\s`,
    String.raw`\blevel=(?:error|fatal|panic)\b`,
    String.raw`"level":"(?:error|fatal)"`,
  ].join("|"),
);

const WARN = new RegExp(
  [
    String.raw`^\W{0,3}(?:\d[\d:.,TZ+\- ]*\s+)?(?:\[[^\]]{0,40}\]\s+)?[\[(<]?WARN(?:ING)?[\])>]?(?:[:\s]|$)`,
    String.raw`^\s*(?:[\w@./\\-]+[:(][\d:,)]*:?\s+)?(?:warning|deprecated)(?: \w*\d+)?\s*:`,
    String.raw`^\s*(?:npm|yarn|pnpm) (?:WARN|warn|warning)\b`,
    String.raw`^\s*console\.warn\b`,
    String.raw`^\s*(?:⚠|!\s+retry)`,
    String.raw`^\s+\d+:\d+\s+warning\s`,
    String.raw`\blevel=warn(?:ing)?\b`,
    String.raw`"level":"warn(?:ing)?"`,
  ].join("|"),
);

/** Only so much of a line is looked at: levels stand in front, and patterns must not crawl over a minified bundle. */
const LOOKED_AT = 400;

/** The level of a line without colours. */
export function levelOf(plain: string): Level {
  const head = plain.length > LOOKED_AT ? plain.slice(0, LOOKED_AT) : plain;
  if (ERROR.test(head)) return "error";
  return WARN.test(head) ? "warn" : "";
}
