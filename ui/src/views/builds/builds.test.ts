import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Fixture } from "../../host/fixture";
import { setLanguage } from "../../i18n";
import { usualOf } from "../../kinds/build/usual.svelte";
import { now } from "../../live";
import { hrefOf, router } from "../../route/route.svelte";
import { stage } from "../../testing/stage";
import { build, connection, emptySnapshot, failing, NOW } from "../../testing/story";
import { workFixture } from "../../testing/work";
import type { Build } from "../../wire";
import BuildsView from "./BuildsView.svelte";
import { feedOf, type FeedContext, type FeedItem } from "./feed";

const row = (id: string) =>
  document.querySelector<HTMLElement>(`.feed[data-item="build:drone/ihealth/${id}"]`);
const press = (key: string) => fireEvent.keyDown(document.body, { key });

beforeEach(() => {
  now.fix(NOW);
  window.innerWidth = 1280;
  setLanguage("en");
  router.go(hrefOf("builds"));
});
afterEach(() => {
  cleanup();
  now.fix(null);
});

describe("the feed", () => {
  it("stands in the order of what a person must see", async () => {
    stage(BuildsView, workFixture({}));
    const heads = [...document.querySelectorAll(".group")].map((one) =>
      one.textContent?.replace(/\s+/g, " ").trim(),
    );
    expect(heads[0]).toContain("Waiting for a person 1");
    expect(heads[1]).toContain("Running 2");
    expect(heads[1]).toContain("4 slots, 1 free");
    expect(heads[2]).toContain("In the queue 2");
    expect(heads[3]).toContain("Finished today 17");
    expect(heads[3]).toContain("2 failed");
    expect(row("api#1042")).toHaveTextContent("waits: to production");
    expect(row("web#877")).toHaveTextContent("e2e, 6 of 8");
    await waitFor(() => expect(row("web#877")).toHaveTextContent(/1m\d\ds left/));
    expect(row("glucose-sync#218")).toHaveTextContent("unit: exit 1");
    expect(row("device-hub#145")).toHaveTextContent("PR 88");
  });

  it("is gone through with the keys, and a build is opened with Enter", async () => {
    stage(BuildsView, workFixture({}));
    await press("j");
    expect(row("api#1042")).toHaveAttribute("aria-selected", "true");
    await press("j");
    expect(row("web#877")).toHaveAttribute("aria-selected", "true");
    await press("k");
    expect(row("api#1042")).toHaveAttribute("aria-selected", "true");
    await press("Enter");
    expect(router.rest[0]).toBe("build:drone/ihealth/api#1042");
  });

  it("asks for a restart, a cancel and an approval of the selected build", async () => {
    const { session } = stage(BuildsView, workFixture({}));
    await press("j");
    await press("a");
    expect(session.asked).toEqual({ target: "build:drone/ihealth/api#1042", verb: "approve" });
    await press("j");
    await press("x");
    expect(session.asked).toEqual({ target: "build:drone/ihealth/web#877", verb: "cancel" });
  });

  it("filters, and says what the filter hides", async () => {
    stage(BuildsView, workFixture({}));
    const filter = screen.getByTestId("builds-filter");
    await fireEvent.input(filter, { target: { value: "mmol" } });
    expect(document.querySelectorAll(".feed[data-item]")).toHaveLength(1);
    await fireEvent.input(filter, { target: { value: "nothing like it" } });
    expect(screen.getByTestId("builds-empty")).toHaveTextContent(
      /Your filter nothing like it hides \d+ builds/,
    );
  });

  it("shows the broken ones only", async () => {
    stage(BuildsView, workFixture({}));
    await press("z");
    const states = [...document.querySelectorAll<HTMLElement>(".feed[data-item]")].map(
      (one) => one.dataset.status,
    );
    expect(new Set(states)).toEqual(new Set(["blocked", "failed", "errored"]));
  });

  it("shows the running step's log beside it", async () => {
    stage(BuildsView, workFixture({}));
    await press("j");
    await press("j");
    const peek = await screen.findByTestId("build-peek");
    await waitFor(() => expect(within(peek).getByTestId("log")).toHaveAttribute("data-lines", "2387"));
    expect(within(peek).getByTestId("step-strip").children).toHaveLength(8);
  });
});

describe("states", () => {
  it("asks, before anything was read", () => {
    stage(BuildsView, { snapshot: null });
    expect(screen.getAllByTestId("ghost").length).toBeGreaterThan(5);
    expect(screen.getByRole("status")).toHaveTextContent("Asking");
  });
  it("says why it is empty", () => {
    stage(BuildsView, { snapshot: { ...emptySnapshot(), connections: [connection("drone")] } });
    expect(screen.getByTestId("builds-empty")).toHaveTextContent("No build is known");
  });
  it("keeps old facts and marks them stale", () => {
    const fixture = workFixture({});
    const snapshot = fixture.snapshot ? { ...fixture.snapshot, connections: [failing()] } : null;
    stage(BuildsView, { ...fixture, snapshot });
    const one = row("glucose-sync#218");
    expect(one).toHaveClass("is-stale");
    expect(one).toHaveTextContent("unit: exit 1");
    expect(row("web#877")?.querySelector(".pour")).toBeNull();
  });
  it("shows markup, controls and long text as text", () => {
    const subject = `<img src=x onerror=alert(1)> ${"长".repeat(3000)}`;
    const fixture: Fixture = {
      snapshot: {
        ...emptySnapshot(),
        connections: [connection("drone")],
        items: [{ kind: "build", ...build({ repo: "ihealth/web", number: 1, subject }) }],
      },
    };
    const { container } = stage(BuildsView, fixture);
    expect(container.querySelector("img")).toBeNull();
    expect(row("web#1")).toHaveTextContent("<img src=x onerror=alert(1)>");
  });
  it("speaks Chinese", () => {
    setLanguage("zh-CN");
    stage(BuildsView, workFixture({}));
    expect(document.querySelector(".group")).toHaveTextContent("等人处理");
    expect(row("api#1042")).toHaveTextContent("等批准：生产");
  });
});

describe("a build", () => {
  const id = "build:drone/ihealth/glucose-sync#218";

  it("says what happened, shows its steps, what broke, and the log at its first error", async () => {
    router.go(hrefOf("builds", id));
    stage(BuildsView, workFixture({}));
    expect(screen.getByTestId("build-head")).toHaveTextContent(
      "glucose-sync #218 failed in unit after 1m48s",
    );
    expect(document.querySelectorAll("[data-step]")).toHaveLength(10);
    expect(document.querySelector('[data-step="6"]')).toHaveAttribute("aria-current", "true");
    await waitFor(() => expect(screen.getByTestId("log")).toHaveAttribute("data-lines", "1242"));
    const broke = await screen.findByTestId("what-broke");
    expect(broke).toHaveTextContent("GlucoseUnitTest.java:48");
    expect(broke).toHaveTextContent("GlucoseUnitTest.java:63");
    expect(screen.getByTestId("log-foot")).toHaveTextContent("7 errors, 1 warning");
    await waitFor(() => expect(screen.getByTestId("log-end")).toHaveTextContent("exit code 1"));
  });

  it("takes another step by its name in the address, and links to a line", async () => {
    router.go(hrefOf("builds", id, "unit:L1193"));
    stage(BuildsView, workFixture({}));
    await waitFor(() => expect(screen.getByTestId("log-foot")).toHaveTextContent("#218/unit:L1193"));
    router.go(hrefOf("builds", id, "clone"));
    await waitFor(() =>
      expect(document.querySelector('[data-step="2"]')).toHaveAttribute("aria-current", "true"),
    );
  });

  it("searches its log", async () => {
    router.go(hrefOf("builds", id));
    stage(BuildsView, workFixture({}));
    await waitFor(() => expect(screen.getByTestId("log")).toHaveAttribute("data-lines", "1242"));
    const search = screen.getByTestId("log-search");
    await fireEvent.input(search, { target: { value: "roundTrip" } });
    expect(screen.getByTestId("log-hits")).toHaveTextContent("0 of 2");
    await fireEvent.keyDown(search, { key: "Enter" });
    expect(screen.getByTestId("log-hits")).toHaveTextContent("1 of 2");
  });

  it("is asked for when the feed does not have it", async () => {
    const other = build({ repo: "ihealth/old", number: 3, status: "passed" });
    router.go(hrefOf("builds", other.id));
    stage(BuildsView, {
      snapshot: emptySnapshot(),
      answer: (query) =>
        query.what === "item" ? { is: "item", value: { kind: "build", ...other } } : undefined,
    });
    await waitFor(() => expect(screen.getByTestId("build-head")).toHaveTextContent("old #3 passed"));
  });

  it("says so when it cannot be read", async () => {
    router.go(hrefOf("builds", "build:drone/ihealth/gone#1"));
    stage(BuildsView, { snapshot: emptySnapshot() });
    await waitFor(() => expect(screen.getByTestId("build-missing")).toHaveTextContent("cannot be read"));
  });
});

describe("large", () => {
  const many: Build[] = Array.from({ length: 5000 }, (_, at) =>
    build({
      repo: `ihealth/r${at % 100}`,
      number: at + 1,
      finished_at: new Date(NOW - at * 60_000).toISOString(),
    }),
  );
  const context: FeedContext = { now: NOW, isMine: () => false, defaultBranch: () => null, left: () => null };

  it("groups each build once", () => {
    const { rows } = feedOf(many, { tab: "all", filter: "", onlyWrong: false }, context);
    const ids = rows.flatMap((one: FeedItem) => (one.kind === "build" ? [one.build.id] : []));
    expect(new Set(ids).size).toBe(5000);
  });
});

it("takes the usual time from the median, and nothing from one run", () => {
  expect(usualOf([10])).toBeNull();
  expect(usualOf([30, 10, 20])).toMatchObject({ median: 20, runs: 3 });
  expect(usualOf([...Array.from({ length: 9 }, () => 10), 100])?.nineInTen).toBe(10);
});
