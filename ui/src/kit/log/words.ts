// Figures as a log says them. Refuses: words; those are messages.

/** `1,060`, in both languages. */
export function shown(n: number): string {
  return n.toLocaleString("en-US");
}

/** `2:51`, `1:02:51`: seconds since the build began. */
export function stamp(at: number | null, offset: number): string {
  if (at === null) return "";
  const seconds = Math.max(0, Math.round(at + offset));
  const rest = String(seconds % 60).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${String(minutes)}:${rest}`
    : `${String(Math.floor(minutes / 60))}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** `188 KB`, `1.2 MB`. */
export function size(chars: number): string {
  if (chars < 1000) return `${String(chars)} B`;
  if (chars < 999_500) return `${String(Math.round(chars / 1000))} KB`;
  return `${(chars / 1_000_000).toFixed(1)} MB`;
}
