import { describe, expect, test } from "vitest";

import en from "../../messages/en.json";
import zh from "../../messages/zh-CN.json";
import { ageInCell, ageInSentence, clockTime, countdown, duration, latency, setLanguage } from ".";

const variables = (message: unknown) =>
  [...new Set([...JSON.stringify(message).matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();

describe("words", () => {
  test("both languages say the same messages with the same parts", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    // Dates name their parts differently: "19 Nov", "11-19".
    for (const key of (Object.keys(en) as (keyof typeof en)[]).filter((one) => !one.startsWith("time_date")))
      expect([key, variables(zh[key])]).toEqual([key, variables(en[key])]);
  });

  test("times read as words.md has them, in both languages", () => {
    const at = (text: string) => Date.parse(`${text}+08:00`);
    const now = at("2026-11-24T14:09:00");
    setLanguage("en");
    expect([ageInCell(12 * 60_000), ageInSentence(60_000), ageInCell(-5000)]).toEqual([
      "12 min",
      "1 minute",
      "just now",
    ]);
    expect(clockTime(at("2026-11-24T14:05:00"), now)).toBe("14:05");
    expect(clockTime(at("2026-11-23T18:47:00"), now)).toBe("yesterday 18:47");
    expect(clockTime(at("2026-11-19T08:00:00"), now)).toBe("19 Nov");
    setLanguage("zh-CN");
    expect([ageInCell(12 * 60_000), ageInSentence(12 * 60_000)]).toEqual(["12分钟", "12 分钟"]);
    expect(clockTime(at("2026-11-23T18:47:00"), now)).toBe("昨天 18:47");
    expect(clockTime(at("2026-11-19T08:00:00"), now)).toBe("11-19");
    expect([countdown(11_200), countdown(90_000), latency(400)]).toEqual(["12秒", "1m30s", "0.4秒"]);
    setLanguage("en");
    expect([duration(58_000), duration(108_000), duration(3_720_000)]).toEqual(["58s", "1m48s", "1h02m"]);
  });
});
