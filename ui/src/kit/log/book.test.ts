import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandOf, LogBook } from "./book";
import recorded from "./fixtures/drone-0.8-step.json";
import maven from "./fixtures/maven-unit.json";
import { Places } from "./places";
import {
  buildRows,
  HEAD_HEIGHT,
  librariesOf,
  LINE_HEIGHT,
  rowOfLine,
  RowKind,
  sectionKey,
  type RowChoices,
  type RowList,
} from "./rows";
import { rulerMarks } from "./ruler";

const still: RowChoices = {
  open: new Map(),
  unfolded: new Set(),
  running: false,
  failed: false,
  ended: false,
};

function bookOf(texts: readonly string[]): LogBook {
  const book = new LogBook();
  book.append(texts.map((text, index) => ({ number: index + 1, text })));
  return book;
}

function kinds(rows: RowList): string[] {
  const names = Object.fromEntries(Object.entries(RowKind).map(([name, value]) => [value, name]));
  return Array.from({ length: rows.length }, (_, index) => names[rows.kind(index)] ?? "?");
}

describe("a recorded step of Drone 0.8", () => {
  const book = new LogBook();
  book.append(
    recorded.map((line) => ({
      number: line.pos + 1,
      at_s: (line as { time?: number }).time ?? null,
      text: line.out.replace(/\n$/, ""),
    })),
  );
  it("is cut by its commands", () => {
    expect(book.sections.map((section) => commandOf(book.lines[section.head]?.plain ?? ""))).toEqual([
      "echo building $DRONE_COMMIT_SHA",
      "for i in 1 2 3 4 5; do echo line $i; sleep 1; done",
    ]);
    expect(book.sections.map((section) => section.to - section.from)).toEqual([1, 5]);
    expect(book.lines.at(-1)).toMatchObject({ number: 8, at: 4, plain: "line 5", level: "" });
  });
  it("is short, so all of it is open", () => {
    expect(kinds(buildRows(book, still))).toEqual([
      "Command",
      "Line",
      "Command",
      "Line",
      "Line",
      "Line",
      "Line",
      "Line",
    ]);
  });
});

describe("a failing unit test of Maven", () => {
  const frames = Array.from(
    { length: 18 },
    (_, index) => `\tat org.junit.platform.engine.Node${String(index)}.run(Node.java:${String(index)})`,
  );
  const texts = [
    "+ java -version",
    ...Array.from({ length: 9 }, () => "openjdk"),
    "+ mvn -B -o test",
    ...Array.from({ length: 60 }, (_, index) => `[INFO] Running com.ihealth.Test${String(index)}`),
    ...maven.map((line) => line.text),
    ...frames,
    "\tat com.ihealth.glucose.GlucoseUnitTest.roundTrip(GlucoseUnitTest.java:63)",
    "last",
  ];
  const book = bookOf(texts);
  const failed = { ...still, failed: true, ended: true };
  const rows = buildRows(book, failed);

  it("closes what passed and opens what failed at its first error", () => {
    const first = book.lines[book.firstError()];
    expect(first?.plain).toBe(
      "[ERROR] Tests run: 14, Failures: 2, Errors: 0, Skipped: 0, Time elapsed: 0.412 s",
    );
    expect(kinds(rows).slice(0, 4)).toEqual(["Command", "Command", "Before", "Line"]);
    expect(rows.row(2).count).toBe(book.firstError() - 9 - (book.sections[1]?.from ?? 0));
    expect(kinds(rows).at(-1)).toBe("End");
  });
  it("folds frames that are not ours, with their count", () => {
    const index = kinds(rows).indexOf("Frames");
    expect(rows.row(index).count).toBe(18);
    expect(librariesOf(book, rows.at(index), 18)).toEqual(["org.junit"]);
    const number = book.lines[rows.at(index)]?.number ?? 0;
    expect(kinds(buildRows(book, { ...failed, unfolded: new Set([number]) }))).not.toContain("Frames");
  });
  it("finds each line's row, also inside folds", () => {
    book.lines.forEach((_, line) => {
      const row = rows.row(rowOfLine(rows, book, line));
      if (row.kind === RowKind.Line) expect(row.at).toBe(line);
      else if (row.kind === RowKind.Command) expect(book.sections[row.at]?.head).toBeLessThanOrEqual(line);
      else expect(line - row.at).toBeLessThan(row.count);
    });
  });
  it("obeys a person", () => {
    const first = book.sections[0];
    if (first === undefined) throw new Error("no section");
    const opened = buildRows(book, { ...failed, open: new Map([[sectionKey(book, first), true]]) });
    expect(opened.length).toBe(rows.length + 9);
    expect(kinds(buildRows(book, { ...still, running: true })).length).toBeGreaterThan(60);
  });
  it("shows every error on the ruler once", () => {
    const places = new Places();
    places.reset(rows.length, () => LINE_HEIGHT);
    const marks = rulerMarks(book, rows, places, 600);
    expect(marks.filter((mark) => mark.level === "error").length).toBeGreaterThan(2);
    expect(marks.every((mark) => mark.at >= 0 && mark.at <= 1)).toBe(true);
  });
});

describe("holes and limits", () => {
  it("shows a gap as a gap, with the count where it is known", () => {
    const book = new LogBook();
    book.append([{ number: 1, text: "a" }]);
    book.append([{ number: 5, text: "b" }], true);
    book.append([{ number: 6, text: "c" }], true);
    const rows = buildRows(book, still);
    expect(kinds(rows)).toEqual(["Line", "Gap", "Line", "Gap", "Line"]);
    expect([rows.count(1), rows.count(3)]).toEqual([3, -1]);
  });
  it("does not double lines that come again", () => {
    const book = bookOf(["a", "b"]);
    book.append([
      { number: 1, text: "a" },
      { number: 2, text: "b" },
      { number: 3, text: "c" },
    ]);
    expect(book.allText()).toBe("a\nb\nc\n");
  });
  it("lets the oldest go, says how many, and keeps the numbers", () => {
    const book = new LogBook({ lines: 100, chars: 1_000_000 });
    for (let number = 1; number <= 250; number += 1)
      book.append([{ number, text: number % 50 === 0 ? "+ next" : "error: x" }]);
    expect(book.lines.length).toBeLessThanOrEqual(100);
    expect(book.dropped + book.lines.length).toBe(250);
    expect(book.lines.at(-1)?.number).toBe(250);
    expect(book.errors).toBe(book.lines.filter((line) => line.level === "error").length);
    expect(kinds(buildRows(book, still))[0]).toBe("Dropped");
    expect(book.indexOf(250)).toBe(book.lines.length - 1);
    expect(book.indexOf(1)).toBe(-1);
  });
  it("lets go by size too", () => {
    const book = new LogBook({ lines: 1000, chars: 10_000 });
    for (let number = 1; number <= 100; number += 1) book.append([{ number, text: "x".repeat(500) }]);
    expect(book.chars).toBeLessThanOrEqual(10_000);
    expect(book.dropped + book.lines.length).toBe(100);
  });
});

describe("any log", () => {
  const line = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 20 }),
    fc.constantFrom(
      "+ make",
      "error: no",
      "\tat org.junit.A.b(A.java:1)",
      "\tat com.ihealth.A.b(A.java:1)",
      '  File "/usr/lib/python3.6/x.py", line 3',
      "    call()",
      "\u001b[31mred",
      "",
    ),
  );
  const choices = fc.record({ running: fc.boolean(), failed: fc.boolean(), ended: fc.boolean() });
  it("shows each line exactly once: as a line, in a fold, or under a closed head", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 120 }), choices, (texts, choice) => {
        const book = bookOf(texts);
        const rows = buildRows(book, { ...still, ...choice });
        const seen = new Array<number>(texts.length).fill(0);
        for (let index = 0; index < rows.length; index += 1) {
          const row = rows.row(index);
          if (row.kind === RowKind.Command) {
            const section = book.sections[row.at];
            if (section === undefined) continue;
            seen[section.head] = (seen[section.head] ?? 0) + 1;
            const next = index + 1 < rows.length ? rows.kind(index + 1) : RowKind.Command;
            if (next === RowKind.Command || next === RowKind.End)
              for (let at = section.from; at < section.to; at += 1) seen[at] = (seen[at] ?? 0) + 1;
          } else if (row.kind === RowKind.Line) seen[row.at] = (seen[row.at] ?? 0) + 1;
          else if (row.kind === RowKind.Frames || row.kind === RowKind.Before)
            for (let at = row.at; at < row.at + row.count; at += 1) seen[at] = (seen[at] ?? 0) + 1;
        }
        expect(seen.every((count) => count === 1)).toBe(true);
        expect(book.lines.map((kept) => kept.text)).toEqual(texts);
      }),
    );
  });
});

describe("places", () => {
  it("are found by halving and follow what was measured", () => {
    const places = new Places();
    places.reset(1000, (row) => (row % 10 === 0 ? HEAD_HEIGHT : LINE_HEIGHT));
    expect(places.top(10)).toBe(HEAD_HEIGHT + 9 * LINE_HEIGHT);
    for (const row of [0, 1, 9, 10, 500, 999]) {
      expect(places.rowAt(places.top(row))).toBe(row);
      expect(places.rowAt(places.top(row) + places.height(row) - 1)).toBe(row);
    }
    const before = places.total();
    expect(places.measured(501, 57)).toBe(38);
    expect(places.total()).toBe(before + 38);
    expect(places.rowAt(places.top(502))).toBe(502);
  });
});

it("reads 100,000 lines well within the second that opening may take", () => {
  const texts = Array.from({ length: 100_000 }, (_, index) => ({
    number: index + 1,
    at_s: index >> 6,
    text:
      index % 1000 === 0
        ? `+ step ${String(index)}`
        : index % 97 === 0
          ? `\u001b[33m[WARN]\u001b[0m ${String(index)} slow`
          : `[INFO] Tests run: ${String(index)}, Failures: 0, Errors: 0`,
  }));
  const began = performance.now();
  const book = new LogBook();
  for (let at = 0; at < texts.length; at += 2000) book.append(texts.slice(at, at + 2000));
  const rows = buildRows(book, { ...still, running: true });
  const places = new Places();
  places.reset(rows.length, () => LINE_HEIGHT);
  rulerMarks(book, rows, places, 700);
  const took = performance.now() - began;
  expect(book.lines.length).toBe(100_000);
  expect(took).toBeLessThan(1000);
});
