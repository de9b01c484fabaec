/**
 * Ages, durations and times as words.md has them: `14:05` today, `yesterday 18:47 / 昨天 18:47`, `19 Nov / 11-19`;
 * ages `12 min / 12分钟` in a cell, `12 minutes / 12 分钟` in a sentence; durations `1m48s` in both.
 * Pure: the language and the present are arguments or the language state. Refuses: ticking.
 */
import * as m from "../paraglide/messages.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A server's timestamp as milliseconds; `null` when there is none or it cannot be read. */
export function instant(text: string | null | undefined): number | null {
  if (!text) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** `12 min / 12分钟`; below a minute "just now". A time ahead of us (a wrong clock) counts as now. */
export function ageInCell(ms: number): string {
  if (ms < MINUTE) return m.age_now();
  if (ms < HOUR) return m.age_minutes({ n: Math.floor(ms / MINUTE) });
  if (ms < DAY) return m.age_hours({ n: Math.floor(ms / HOUR) });
  return m.age_days({ n: Math.floor(ms / DAY) });
}

/** `12 minutes / 12 分钟`. */
export function ageInSentence(ms: number): string {
  if (ms < MINUTE) return m.long_seconds({ n: Math.max(0, Math.floor(ms / SECOND)) });
  if (ms < HOUR) return m.long_minutes({ n: Math.floor(ms / MINUTE) });
  if (ms < DAY) return m.long_hours({ n: Math.floor(ms / HOUR) });
  return m.long_days({ n: Math.floor(ms / DAY) });
}

/** `58s`, `1m48s`, `1h02m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${pad(Math.floor((seconds % 3600) / 60))}m`;
}

/** `12 s / 12秒`, from a minute on `1m05s`: for what counts down. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND));
  return seconds < 60 ? m.age_seconds({ n: seconds }) : duration(seconds * SECOND);
}

/** `0.4 s`, for latencies. */
export function latency(ms: number): string {
  return m.latency_seconds({ n: (ms / SECOND).toFixed(ms < 10 * SECOND ? 1 : 0) });
}

/** `14:05` today, `yesterday 18:47`, `19 Nov`; with the year when it is another. */
export function clockTime(at: number, present: number): string {
  const then = new Date(at);
  const today = new Date(present);
  const time = `${pad(then.getHours())}:${pad(then.getMinutes())}`;
  const days = Math.round((midnight(today) - midnight(then)) / DAY);
  if (days === 0) return time;
  if (days === 1) return m.time_yesterday({ time });
  const parts = {
    day: String(then.getDate()),
    month: monthName(then),
    mm: pad(then.getMonth() + 1),
    dd: pad(then.getDate()),
  };
  if (then.getFullYear() === today.getFullYear()) return m.time_date(parts);
  return m.time_date_year({ ...parts, year: then.getFullYear() });
}

/** `2026-11-24 14:05:08`, for hovers. */
export function exactTime(at: number): string {
  const then = new Date(at);
  const date = `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}`;
  return `${date} ${pad(then.getHours())}:${pad(then.getMinutes())}:${pad(then.getSeconds())}`;
}

/** `13:52:08`. */
export function secondsTime(at: number): string {
  return exactTime(at).slice(11);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function monthName(date: Date): string {
  return MONTHS[date.getMonth()] ?? "";
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
