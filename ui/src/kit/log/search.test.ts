import fc from "fast-check";
import { expect, it } from "vitest";
import { LogBook } from "./book";
import { readPlace, writePlace } from "./permalink";
import { compileSearch, LogSearch, rangesIn } from "./search";

function bookOf(texts: readonly string[]): LogBook {
  const book = new LogBook();
  book.append(texts.map((text, index) => ({ number: index + 1, text })));
  return book;
}

const ask = (text: string, more: Partial<{ regex: boolean; matchCase: boolean; not: boolean }> = {}) => ({
  text,
  regex: false,
  matchCase: false,
  not: false,
  ...more,
});

it("finds text, patterns, case and the inverse", () => {
  const book = bookOf(["FAILURE one", "all fine", "\u001b[31mERROR\u001b[0m two", "a.b failure"]);
  const hits = (search: LogSearch) => {
    search.update(book);
    return search.hits;
  };
  expect(hits(new LogSearch(ask("failure")))).toEqual([1, 4]);
  expect(hits(new LogSearch(ask("failure", { matchCase: true })))).toEqual([4]);
  expect(hits(new LogSearch(ask("FAILURE|ERROR", { regex: true, matchCase: true })))).toEqual([1, 3]);
  expect(hits(new LogSearch(ask("a.b")))).toEqual([4]);
  expect(hits(new LogSearch(ask("failure", { not: true })))).toEqual([2, 3]);
});

it("goes round, and counts", () => {
  const search = new LogSearch(ask("x"));
  search.update(bookOf(["x", "", "x", "", "x"]));
  expect([search.next(0), search.next(1), search.next(5)]).toEqual([1, 3, 1]);
  expect([search.previous(5), search.previous(1)]).toEqual([3, 5]);
  expect(search.rank(3)).toBe(2);
});

it("looks only at what is new, and forgets what the ring let go", () => {
  const book = new LogBook({ lines: 10, chars: 10_000 });
  const search = new LogSearch(ask("x"));
  for (let number = 1; number <= 40; number += 1) {
    book.append([{ number, text: "x" }]);
    search.update(book);
  }
  expect(search.hits).toEqual(book.lines.map((line) => line.number));
});

it("tells a half-typed pattern instead of throwing", () => {
  const search = new LogSearch(ask("(", { regex: true }));
  expect(search.error).not.toBeNull();
  expect(search.update(bookOf(["("]))).toBe(false);
});

it("never throws, and every range lies inside the line and matches", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      (needle, hay, regex) => {
        const pattern = compileSearch(ask(needle, { regex }));
        if (!(pattern instanceof RegExp)) return;
        for (const range of rangesIn(pattern, hay)) {
          expect(range.from).toBeLessThan(range.to);
          expect(range.to).toBeLessThanOrEqual(hay.length);
        }
        if (!regex) expect(rangesIn(pattern, `>${needle}<`).length).toBeGreaterThan(0);
      },
    ),
  );
});

it("writes and reads the place of a line", () => {
  expect(readPlace("unit:L1191")).toEqual({ step: "unit", line: 1191 });
  expect(readPlace("stage/step")).toEqual({ step: "stage/step", line: null });
  fc.assert(
    fc.property(fc.string(), fc.nat(1_000_000), (step, line) => {
      expect(readPlace(writePlace({ step, line }))).toEqual({ step, line });
    }),
  );
});
