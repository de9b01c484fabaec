import { expect, it } from "vitest";
import { levelOf } from "./level";

it.each([
  ["[ERROR] Tests run: 14, Failures: 2, Errors: 0", "error"],
  ["14:05:02.140 [main] ERROR c.i.g.GlucoseUnit - boom", "error"],
  ["2026-11-24 14:05:02,140 ERROR boom", "error"],
  ["src/app.ts(12,3): error TS2322: Type 'x'", "error"],
  ["main.go:12:4: error: undefined", "error"],
  ["error: Your local changes would be overwritten", "error"],
  ["npm ERR! code ELIFECYCLE", "error"],
  ["--- FAIL: TestUnit (0.00s)", "error"],
  ["TypeError: Cannot read property 'x' of undefined", "error"],
  ["  12:5  error  'x' is not defined  no-undef", "error"],
  ["fatal: reference is not a tree: 4d9b3c7", "error"],
  ["/bin/sh: 18: mvn: command not found", "error"],
  ["panic: runtime error: index out of range", "error"],
  ["[WARN] 14:05:02.140 舍入方式未指定", "warn"],
  ["[WARNING] Using platform encoding", "warn"],
  ["npm WARN deprecated request@2.88.2", "warn"],
  ["warning: LF will be replaced by CRLF", "warn"],
  ["console.warn [moment] invalid date", "warn"],
  ["    ! retry 1 of 2: 跨月翻页保留选中日", "warn"],
])("hears %s", (line, level) => {
  expect(levelOf(line)).toBe(level);
});

it.each([
  "[INFO] Tests run: 22, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.310 s",
  "0 errors, 2 warnings",
  "no error in 12 files",
  "  ✓ shows an error when the password is wrong",
  "compiling error_handler.go",
  "Running com.ihealth.glucose.ErrorMapperTest",
  "[INFO] BUILD FAILURE, total time 45.6 s",
  "killed 3 birds",
  "",
])("stays calm at %s", (line) => {
  expect(levelOf(line)).toBe("");
});

it("does not crawl over a long line", () => {
  const began = performance.now();
  levelOf(`${" ".repeat(1_000_000)}error`);
  levelOf("1".repeat(1_000_000));
  expect(performance.now() - began).toBeLessThan(100);
});
