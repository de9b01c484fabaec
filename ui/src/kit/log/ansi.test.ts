import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAnsi, plainText, PLAIN } from "./ansi";

const shown = (text: string) =>
  parseAnsi(text).spans.map((span) => `${span.ink}${span.bold ? "*" : ""}|${span.text}`);

describe("colours", () => {
  it("reads the colours that build tools write", () => {
    expect(shown("\u001b[1;31mERROR\u001b[0m in src")).toEqual(["r*|ERROR", "| in src"]);
    expect(shown("\u001b[32m✓\u001b[39m 手机号加验证码 \u001b[90m(1322ms)\u001b[39m")).toEqual([
      "g|✓",
      "| 手机号加验证码 ",
      "d|(1322ms)",
    ]);
    expect(shown("\u001b[38;5;196mred\u001b[m\u001b[38;2;30;200;40mgreen\u001b[0m")).toEqual([
      "r|red",
      "g|green",
    ]);
  });
  it("drops what it does not know and keeps the text", () => {
    expect(shown("\u001b[?25l\u001b[44mblue ground\u001b[0m\u001b]0;title\u0007\u001b(B end")).toEqual([
      "|blue ground end",
    ]);
    expect(shown("\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\")).toEqual(["|link"]);
    expect(plainText("a\u0000b\u0007c")).toBe("abc");
  });
  it("goes on with a colour that was not switched off", () => {
    const { end } = parseAnsi("\u001b[33mopen");
    expect(parseAnsi("next", end).spans).toEqual([{ text: "next", ink: "y", bold: false }]);
  });
});

describe("the cursor", () => {
  it("shows what a progress bar ends on", () => {
    expect(plainText("10%\r50%\r100%")).toBe("100%");
    expect(plainText("downloading 10%\rdone\u001b[K")).toBe("done");
    expect(plainText("long text\rshort")).toBe("shorttext");
    expect(plainText("text ends in one\r")).toBe("text ends in one");
    expect(plainText("abc\b\bX")).toBe("aXc");
    expect(plainText("\u001b[2K\u001b[1Gagain")).toBe("again");
  });
  it("does not fill the memory when sent far away", () => {
    expect(plainText("\u001b[999999999Gx").length).toBeLessThan(5000);
  });
});

describe("any text", () => {
  const wild = fc
    .array(
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom(
          "\u001b[",
          "\u001b",
          "\r",
          "\b",
          "m",
          "\u001b[1;3",
          "\u001b]8;;",
          "\u009b31m",
          "\u001b[2K",
          "38;5;",
          "\t",
        ),
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join(""));
  it("never throws and never lets a control character through", () => {
    fc.assert(
      fc.property(wild, (text) => {
        const { spans } = parseAnsi(text, PLAIN);
        expect(spans.map((span) => span.text).join("")).not.toMatch(
          /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/,
        );
      }),
    );
  });
  it("keeps text without control characters as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(!/[\u0000-\u001f\u007f-\u009f]/.test(text));
        expect(plainText(text)).toBe(text);
        expect(plainText(`\u001b[31m${text}\u001b[0m`)).toBe(text);
      }),
    );
  });
});
