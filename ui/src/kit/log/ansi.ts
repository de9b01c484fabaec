// One line as a terminal would show it: colours as spans, carriage returns and back spaces carried out.
// Refuses: HTML, moving the cursor over lines, and any sequence it does not know (dropped, never printed).

/** Foreground of a span: the letters of the log classes (`a-r` …), or none for the log's own ink. */
export type Ink = "" | "r" | "g" | "y" | "b" | "m" | "c" | "d";

/** Text in one style. */
export interface Span {
  text: string;
  ink: Ink;
  bold: boolean;
}

/** A style packed into a number, so that a line can remember the one it began with: ink index, then bold, then faint. */
export type Style = number;

/** No colour, not bold. */
export const PLAIN: Style = 0;

const INKS: readonly Ink[] = ["", "r", "g", "y", "b", "m", "c", "d"];
const BOLD = 8;
const FAINT = 16;

/** ESC, CSI in one byte, carriage return, back space, or another control that has no picture. Tab stays. */

const SPECIAL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
const SEQUENCE =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[PX^_][^\u001b]*(?:\u001b\\)?|\u001b[ -/]*[0-~]?|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** The text alone, as it stands on the screen in the end. */
export function plainText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return parseAnsi(text)
    .spans.map((span) => span.text)
    .join("");
}

/** The spans of a line that begins in `start`, and the style the next line begins in. */
export function parseAnsi(text: string, start: Style = PLAIN): { spans: Span[]; end: Style } {
  if (!SPECIAL.test(text)) return { spans: text === "" ? [] : [span(text, start)], end: start };
  const screen = new Screen(start);
  let from = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    screen.write(text.slice(from, match.index));
    from = match.index + match[0].length;
    const final = match[2];
    if (final === "m") screen.style = sgr(match[1] ?? "", screen.style);
    else if (final === "K") screen.erase(match[1] ?? "");
    else if (final === "G") screen.column(Math.max(0, (Number.parseInt(match[1] ?? "", 10) || 1) - 1));
    else if (match[0] === "\r") screen.column(0);
    else if (match[0] === "\b") screen.back();
  }
  screen.write(text.slice(from));
  return { spans: screen.spans(), end: screen.style };
}

/** What has been written so far. As long as the cursor only goes forward it is a list of runs, else a list of cells. */
class Screen {
  private runs: { text: string; style: Style }[] = [];
  private cells: { text: string; style: Style }[] | null = null;
  private cursor = 0;

  style: Style;

  constructor(style: Style) {
    this.style = style;
  }

  write(text: string): void {
    if (text === "") return;
    if (this.cells === null) {
      const last = this.runs.at(-1);
      if (last !== undefined && last.style === this.style) last.text += text;
      else this.runs.push({ text, style: this.style });
      return;
    }
    for (const char of text) {
      while (this.cells.length < this.cursor) this.cells.push({ text: " ", style: PLAIN });
      this.cells[this.cursor] = { text: char, style: this.style };
      this.cursor += 1;
    }
  }

  column(to: number): void {
    this.toCells();
    this.cursor = Math.min(to, MOST_COLUMNS);
  }

  back(): void {
    this.toCells();
    this.cursor = Math.max(0, this.cursor - 1);
  }

  erase(what: string): void {
    const cells = this.toCells();
    if (what === "" || what === "0") cells.length = Math.min(cells.length, this.cursor);
    else if (what === "2") cells.length = 0;
    else if (what === "1")
      for (let i = 0; i < Math.min(this.cursor, cells.length); i += 1) cells[i] = { text: " ", style: PLAIN };
  }

  spans(): Span[] {
    if (this.cells === null) return this.runs.map((run) => span(run.text, run.style));
    const out: Span[] = [];
    let style = -1;
    for (const cell of this.cells) {
      const last = out.at(-1);
      if (last !== undefined && cell.style === style) last.text += cell.text;
      else out.push(span(cell.text, cell.style));
      style = cell.style;
    }
    return out;
  }

  private toCells(): { text: string; style: Style }[] {
    if (this.cells === null) {
      this.cells = [];
      for (const run of this.runs)
        for (const char of run.text) this.cells.push({ text: char, style: run.style });
      this.cursor = this.cells.length;
      this.runs = [];
    }
    return this.cells;
  }
}

/** A cursor sent further to the right than this is a mistake, or an attempt to fill the memory. */
const MOST_COLUMNS = 4096;

function span(text: string, style: Style): Span {
  const ink = INKS[style & 7] ?? "";
  return { text, ink: ink === "" && (style & FAINT) !== 0 ? "d" : ink, bold: (style & BOLD) !== 0 };
}

function sgr(parameters: string, style: Style): Style {
  const codes =
    parameters === ""
      ? [0]
      : parameters.split(/[;:]/).map((part) => (part === "" ? 0 : Number.parseInt(part, 10)));
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 0) style = PLAIN;
    else if (code === 1) style |= BOLD;
    else if (code === 2) style |= FAINT;
    else if (code === 22) style &= ~(BOLD | FAINT);
    else if (code === 39) style &= ~7;
    else if (code >= 30 && code <= 37) style = withInk(style, basic(code - 30));
    else if (code >= 90 && code <= 97) style = withInk(style, code === 90 ? 7 : basic(code - 90));
    else if (code === 38 || code === 48) {
      const kind = codes[i + 1];
      const ink =
        kind === 5
          ? indexed(codes[i + 2] ?? 0)
          : kind === 2
            ? nearest(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0)
            : 0;
      if (code === 38) style = withInk(style, ink);
      i += kind === 5 ? 2 : kind === 2 ? 4 : codes.length;
    }
  }
  return style;
}

function withInk(style: Style, ink: number): Style {
  return (style & ~7) | ink;
}

/** 0 black … 7 white to our inks: black is faint ink, white is the log's own. */
function basic(code: number): number {
  return [7, 1, 2, 3, 4, 5, 6, 0][code] ?? 0;
}

/** One of 256 colours. */
function indexed(index: number): number {
  if (index < 8) return basic(index);
  if (index < 16) return index === 8 ? 7 : basic(index - 8);
  if (index >= 232) return index < 250 ? 7 : 0;
  const cube = index - 16;
  return nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51);
}

/** The ink whose hue is nearest: our palette is chosen for contrast, so only the hue is taken. */
function nearest(red: number, green: number, blue: number): number {
  const high = Math.max(red, green, blue);
  const low = Math.min(red, green, blue);
  if (high - low < 40) return high > 200 ? 0 : 7;
  const middle = low + (high - low) * 0.55;
  const bits = (red > middle ? 1 : 0) | (green > middle ? 2 : 0) | (blue > middle ? 4 : 0);
  return [0, 1, 2, 3, 4, 5, 6, 0][bits] ?? 0;
}
