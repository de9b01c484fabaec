import { readFileSync } from "node:fs";

import { afterEach, expect, it } from "vitest";

import { setLanguage } from "../../i18n";
import { redeployPlan } from "../../testing/work";
import type { PlanStep } from "../../wire";
import { buttonWords, detailWords, KNOWN_KEYS, stepWords, titleWords } from "./words";

afterEach(() => setLanguage("en"));

/** The core's one list of keys, as its source has it. */
const source = readFileSync("../src-tauri/crates/kopi-core/src/actions/keys.rs", "utf8");
const keys = [...source.matchAll(/\("((?:plan|untouched|risk|refused|task)_\w+)", &\[([^\]]*)\]\)/g)].map(
  ([, key = "", parts = ""]) => ({
    key,
    parts: [...parts.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name),
  }),
);

it("knows every key of the core's list, and no other", () => {
  expect(keys.length).toBeGreaterThan(40);
  expect([...KNOWN_KEYS].sort()).toEqual(keys.map((one) => one.key).sort());
});

it.each(["en", "zh-CN"])("words every key with all its parts in %s", (locale) => {
  setLanguage(locale);
  for (const { key, parts } of keys) {
    if (key.startsWith("task_")) {
      expect(detailWords(key)).not.toBe(key);
      continue;
    }
    const values = parts.map((name): [string, string] => [
      name,
      { order: "start_first", verb: "redeploy" }[name] ??
        (/count|hosts|batch|pause|minutes|number|from|to$/.test(name) ? "7" : `<${name}>`),
    ]);
    const words = stepWords({ message: key, parts: values } as PlanStep);
    expect(words, key).not.toContain(key);
    expect(words, key).not.toContain("?");
    for (const [name, value] of values)
      if (name !== "order" && name !== "verb") expect(words, key).toContain(value);
  }
});

it("shows a key of a newer core as it is, with its parts", () => {
  expect(stepWords({ message: "plan_teleport", parts: [["to", "mars"]] })).toBe("plan_teleport (to mars)");
  expect(detailWords("Exit 137: <b>killed</b>")).toBe("Exit 137: <b>killed</b>");
});

it("names the thing on the button and in the title", () => {
  const plan = redeployPlan({ target: "service:rancher/1s51", verb: "redeploy" });
  expect(titleWords(plan)).toBe("Redeploy report-worker in production");
  expect(buttonWords(plan)).toBe("Redeploy 0.9.12");
  expect(buttonWords(redeployPlan({ target: "service:rancher/1s51", verb: "upgrade", tag: "0.9.11" }))).toBe(
    "Upgrade to 0.9.11",
  );
  setLanguage("zh-CN");
  expect(titleWords(plan)).toBe("在生产环境重新部署 report-worker");
});
