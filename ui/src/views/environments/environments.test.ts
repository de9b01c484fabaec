import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { setLanguage } from "../../i18n";
import { now } from "../../live";
import { hrefOf, router } from "../../route/route.svelte";
import { stage } from "../../testing/stage";
import { connection, emptySnapshot, failing, NOW } from "../../testing/story";
import { someTasks, workFixture } from "../../testing/work";
import { shortHosts } from "../../kinds/service/say";
import EnvironmentsView from "./EnvironmentsView.svelte";

const PROD = "environment:rancher/1a5";
const row = (native: string) =>
  document.querySelector<HTMLElement>(`.svc[data-item="service:rancher/${native}"]`);
const press = (key: string) => fireEvent.keyDown(document.body, { key });

beforeEach(() => {
  now.fix(NOW);
  setLanguage("en");
  router.go(hrefOf("environments", PROD));
});
afterEach(() => {
  cleanup();
  now.fix(null);
});

describe("an environment", () => {
  it("shows stacks, services, a dot for each container and the image's tag", () => {
    stage(EnvironmentsView, workFixture({}));
    expect(screen.getByRole("tab", { name: /production/ })).toHaveAttribute("aria-selected", "true");
    expect(document.querySelectorAll(".stack")).toHaveLength(4);
    const api = row("1s42");
    expect(api?.querySelectorAll(".dots [data-item]")).toHaveLength(4);
    expect(api).toHaveTextContent("ihealth/api:2.13.4");
    expect(api).toHaveTextContent("api.company.com");
    const worker = row("1s51");
    expect(
      [...(worker?.querySelectorAll<HTMLElement>(".dots [data-item]") ?? [])]
        .map((one) => one.dataset.status)
        .sort(),
    ).toEqual(["failed", "ok"]);
    expect(worker).toHaveTextContent("restarted 8×");
    expect(worker?.querySelector(".dots title")?.textContent).toContain("device-report-worker");
  });

  it("makes a half-finished upgrade stand out, with both ways out", async () => {
    const { session } = stage(EnvironmentsView, workFixture({}));
    const half = row("1s47");
    expect(half).toHaveClass("is-half");
    expect(half).toHaveTextContent("3 + 3 old");
    expect(screen.getByTestId("pane-open")).toHaveTextContent("Upgrade not finished for 38 minutes.");
    const say = screen.getByTestId("service-say");
    expect(say).toHaveTextContent("3 old containers wait on");
    await fireEvent.click(within(say).getByText("back to 1.17.3"));
    expect(session.asked).toEqual({ target: "service:rancher/1s47", verb: "rollback" });
    session.asked = null;
    await press("f");
    expect(session.asked).toEqual({ target: "service:rancher/1s47", verb: "finish" });
  });

  it("is gone through with the keys; d redeploys the selected service", async () => {
    const { session } = stage(EnvironmentsView, workFixture({}));
    await press("j");
    expect(row("1s42")).toHaveAttribute("aria-selected", "true");
    await press("d");
    expect(session.asked).toEqual({ target: "service:rancher/1s42", verb: "redeploy" });
  });

  it("hides system stacks, and says how many", async () => {
    stage(EnvironmentsView, workFixture({}));
    expect(screen.getByTestId("env-system")).toHaveTextContent("2 system services are hidden");
    await fireEvent.click(screen.getByTestId("env-system"));
    expect(document.querySelectorAll(".stack")).toHaveLength(6);
  });

  it("shows hosts with their load, and says which one is full", () => {
    stage(EnvironmentsView, workFixture({}));
    const pane = screen.getByTestId("service-pane");
    expect(pane.querySelectorAll('[data-item^="host:"]')).toHaveLength(7);
    expect(pane).toHaveTextContent("prod-04 memory 91 %.");
  });

  it("shows the server's own events", async () => {
    stage(EnvironmentsView, workFixture({}));
    await waitFor(() => expect(screen.getByTestId("service-pane")).toHaveTextContent("Service is upgraded"));
  });

  it("opens a container's log in the tree's place", async () => {
    router.go(`${hrefOf("environments", PROD)}?item=container%3Arancher%2F1i0-0&log=1`);
    stage(EnvironmentsView, workFixture({}));
    await waitFor(() => expect(screen.getByTestId("log")).toHaveAttribute("data-lines", "4"));
  });
});

describe("tasks", () => {
  it("are told on their rows: progress, and a failure with its reason and the way back", async () => {
    const { host, session } = stage(EnvironmentsView, workFixture({}, someTasks()));
    expect(row("1s43")).toHaveTextContent("upgrading, 1 of 3");
    expect(row("1s43")?.querySelector(".pour")).not.toBeNull();
    expect(row("1s51")).toHaveTextContent("not up in time");
    const says = screen.getAllByTestId("service-say");
    expect(says.find((one) => one.textContent?.includes("gateway #570"))).toHaveTextContent(
      "1.31.0 → 1.31.1",
    );
    const bad = says.find((one) => one.textContent?.includes("not up in time"));
    if (!bad) throw new Error("no sentence about the failure");
    await fireEvent.click(within(bad).getByRole("button", { name: /back to/ }));
    expect(session.asked).toEqual({ target: "service:rancher/1s51", verb: "rollback" });
    await fireEvent.click(within(bad).getByText("Seen"));
    expect(host.acts).toEqual([{ what: "dismiss", task: 8 }]);
  });
});

describe("states", () => {
  it("asks, before anything was read", () => {
    stage(EnvironmentsView, { snapshot: null });
    expect(screen.getAllByTestId("ghost").length).toBeGreaterThan(5);
  });
  it("says why it is empty", () => {
    stage(EnvironmentsView, { snapshot: { ...emptySnapshot(), connections: [connection("rancher")] } });
    expect(screen.getByTestId("env-empty")).toHaveTextContent("No environment is known");
  });
  it("says what a filter hides", async () => {
    stage(EnvironmentsView, workFixture({}));
    await fireEvent.input(screen.getByTestId("env-filter"), { target: { value: "no such thing" } });
    expect(screen.getByTestId("env-empty")).toHaveTextContent("hides 17 services");
  });
  it("keeps old facts and marks them stale", () => {
    const fixture = workFixture({});
    const dead = {
      ...failing(),
      name: "rancher",
      kind: "rancher",
      scopes: [{ scope: "environment:1a5", as_of: null, stale: true }],
    };
    stage(EnvironmentsView, {
      ...fixture,
      snapshot: fixture.snapshot ? { ...fixture.snapshot, connections: [dead] } : null,
    });
    expect(row("1s42")).toHaveClass("is-stale");
    expect(row("1s42")).toHaveTextContent("2.13.4");
  });
  it("speaks Chinese", () => {
    setLanguage("zh-CN");
    stage(EnvironmentsView, workFixture({}));
    expect(row("1s47")).toHaveTextContent("升了，没收尾");
    expect(screen.getByTestId("service-say")).toHaveTextContent("3 个旧容器还留在");
  });
});

it("says the part that hosts share once", () => {
  expect(shortHosts(["prod-02", "prod-03", "prod-06"])).toBe("prod-02, -03, -06");
  expect(shortHosts(["alpha", "beta"])).toBe("alpha, beta");
});
