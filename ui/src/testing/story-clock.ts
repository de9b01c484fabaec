/** When the story is told. */
export const NOW = Date.parse("2026-11-24T14:09:00+08:00");
export const MINUTE = 60_000;

export function ago(ms: number): string {
  return new Date(NOW - ms).toISOString();
}
