import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, test } from "vitest";

import type { FixtureHost } from "../../host/fixture";
import { setLanguage } from "../../i18n";
import { mountView, press } from "../../testing/render";
import {
  build,
  connection,
  emptySnapshot,
  failing,
  line,
  quietSnapshot,
  service,
  teamSnapshot,
} from "../../testing/story";
import type { Item, Patch } from "../../wire";
import { BoardView } from ".";

const rows = () => [...document.querySelectorAll<HTMLElement>("[data-item]")];
const row = (text: string) => rows().find((one) => one.dataset.item?.includes(text))!;
const station = (id: string, name: string) => row(id).querySelector<HTMLElement>(`[data-station=${name}]`)!;
const patch = (host: FixtureHost, base: number, upserts: Item[], change: Partial<Patch> = {}) =>
  host.send({
    type: "patch",
    base,
    rev: base + 1,
    upserts,
    gone: [],
    connections: [],
    connections_gone: [],
    tasks: null,
    ...change,
  });

describe("the board", () => {
  test("puts wrong lines first, who waits for a person on top, then moving, then quiet", async () => {
    await mountView(BoardView, { snapshot: teamSnapshot() });
    const groups = rows().map((one) => one.dataset.group);
    expect(groups.slice(0, 4)).toEqual(["wrong", "wrong", "wrong", "wrong"]);
    expect(groups.slice(4, 7)).toEqual(["moving", "moving", "moving"]);
    expect(new Set(groups.slice(7))).toEqual(new Set(["quiet"]));
    expect(rows()[0]!.dataset.item).toContain("ihealth/api@master");
  });

  test("tints exactly one cell of a wrong row and repeats its colour at the edge", async () => {
    const failedBuild = build({ repo: "ihealth/x", number: 9, status: "failed", server_status: "failure" });
    const broken = service({ name: "x", status: "failed" });
    await mountView(BoardView, {
      snapshot: {
        ...emptySnapshot(),
        connections: [connection("drone"), connection("rancher")],
        items: [
          { kind: "build", ...failedBuild },
          { kind: "service", ...broken },
          {
            kind: "line",
            ...line({ repo: "ihealth/x", build: failedBuild.id, service: broken.id, group: "wrong" }),
          },
        ],
      },
    });
    const tinted = row("ihealth/x").querySelectorAll(".cell.is-bad, .cell.is-warn, .cell.is-ask");
    expect(tinted).toHaveLength(1);
    expect(tinted[0]).toHaveAttribute("data-station", "build");
    expect(row("ihealth/x")).toHaveClass("is-bad");
  });

  test("says what each station says: failing step, time left, place in the queue, what is still there", async () => {
    await mountView(BoardView, { snapshot: teamSnapshot() });
    expect(station("glucose-sync@develop", "build")).toHaveTextContent("#218 unit: exit 1");
    expect(station("ihealth/web@develop", "build")).toHaveTextContent("#877 1m30s left");
    expect(station("ihealth/web@develop", "deploy")).toHaveTextContent("still dev-1f0e2b8");
    expect(station("user-center@release", "build")).toHaveTextContent("1st in queue");
    expect(station("bp-sync@master", "deploy")).toHaveTextContent("not finished");
    expect(station("bp-sync@develop", "deploy")).toHaveTextContent("1/2 upgrading");
  });

  test("speaks Chinese without a reload", async () => {
    await mountView(BoardView, { snapshot: teamSnapshot() });
    setLanguage("zh-CN");
    await tick();
    expect(station("ihealth/web@develop", "build")).toHaveTextContent("剩 1m30s");
    expect(station("bp-sync@master", "deploy")).toHaveTextContent("没收尾");
    expect(screen.getByText("有问题")).toBeInTheDocument();
  });

  test("shows ghosts at first, never a sentence that there is nothing", async () => {
    await mountView(BoardView, { snapshot: null });
    expect(screen.getAllByTestId("ghost").length).toBeGreaterThan(5);
    expect(screen.queryByTestId("board-empty")).toBeNull();
  });

  test("names the servers it waits for", async () => {
    const starting = connection("drone", { state: "starting" });
    await mountView(BoardView, { snapshot: { ...emptySnapshot(), connections: [starting] } });
    expect(screen.getByText("Asking Drone…")).toBeInTheDocument();
  });

  test("a failing source is said in its own words; what it told stays, as old, and is not tinted", async () => {
    const { host } = await mountView(BoardView, {
      snapshot: teamSnapshot({ connections: [failing(), connection("rancher")] }),
    });
    const said = screen.getByTestId("fail-line");
    expect(said).toHaveTextContent("502 Bad Gateway: upstream prematurely closed connection");
    expect(said).toHaveTextContent("next try in 8 s · builds are as of 13:52");
    expect(station("glucose-sync@develop", "build")).toHaveClass("is-stale");
    expect(station("glucose-sync@develop", "build")).toHaveTextContent("#218");
    expect(station("glucose-sync@develop", "deploy")).not.toHaveClass("is-stale");
    await fireEvent.click(within(said).getByRole("button"));
    expect(host.acts).toContainEqual({ what: "try_now", connection: "drone" });
  });

  test("an empty list says why, and the button helps", async () => {
    await mountView(BoardView, { snapshot: teamSnapshot() });
    await fireEvent.input(screen.getByTestId("filter"), { target: { value: "branch:hotfix" } });
    expect(screen.getByTestId("board-empty")).toHaveTextContent(
      "Your filter branch:hotfix hides 23 lines; 4 of them wrong.",
    );
    await fireEvent.click(within(screen.getByTestId("board-empty")).getByRole("button"));
    expect(rows().length).toBeGreaterThan(10);
  });

  test("all well is one sentence above the quiet lines", async () => {
    await mountView(BoardView, { snapshot: quietSnapshot() });
    expect(screen.getByTestId("all-well")).toHaveTextContent("All well. 16 lines");
  });

  test("z hides what is well, and brings it back", async () => {
    await mountView(BoardView, { snapshot: teamSnapshot() });
    press("z");
    await tick();
    expect(rows()).toHaveLength(4);
    press("z");
    await tick();
    expect(rows().length).toBeGreaterThan(10);
  });

  test("j and k move, the selection survives a change, d asks for a plan only where the server offers it", async () => {
    const { host } = await mountView(BoardView, { snapshot: teamSnapshot() });
    press("j");
    press("j");
    await tick();
    const selected = () =>
      document.querySelector<HTMLElement>("[data-item][aria-selected=true]")?.dataset.item;
    expect(selected()).toContain("glucose-sync@develop");
    patch(host, 1, [{ kind: "build", ...build({ repo: "ihealth/other", number: 1 }) }]);
    await tick();
    expect(selected()).toContain("glucose-sync@develop");
    expect(host.acked.at(-1)).toBe(2);
  });

  test("a row stays in its group while it is selected, and moves when it is not", async () => {
    const { host } = await mountView(BoardView, { snapshot: quietSnapshot() });
    const id = rows()[0]!.dataset.item!;
    await fireEvent.click(rows()[0]!);
    const told = line({ repo: "ihealth/admin-web", id, group: "wrong" });
    patch(host, 1, [{ kind: "line", ...told }]);
    await tick();
    expect(document.body).not.toHaveTextContent("Wrong");
    press("Escape");
    await waitFor(() => expect(document.body).toHaveTextContent("Wrong"));
  });

  test("a patch for another revision asks for a new picture", async () => {
    const { host } = await mountView(BoardView, { snapshot: teamSnapshot() });
    patch(host, 7, []);
    expect(host.resyncs).toBe(1);
  });

  test("markup and very long texts are text, cut but whole on hover", async () => {
    const subject = `<img src=x onerror=alert(1)> ${"长".repeat(400)}`;
    const odd = build({ repo: "ihealth/odd", number: 3, subject });
    await mountView(BoardView, {
      snapshot: {
        ...emptySnapshot(),
        connections: [connection("drone")],
        items: [
          { kind: "build", ...odd },
          { kind: "line", ...line({ repo: "ihealth/odd", build: odd.id }) },
        ],
      },
    });
    expect(document.querySelector("img")).toBeNull();
    expect(screen.getByTitle(subject)).toHaveTextContent("<img src=x");
  });

  test("production is printed in reverse in its tab, and the bar says that one is in it", async () => {
    const { container } = await mountView(BoardView, { snapshot: teamSnapshot() });
    await fireEvent.click(screen.getByRole("tab", { name: /production/ }));
    expect(container.querySelector(".page-inner")).toHaveClass("is-prod");
    expect(rows().every((one) => one.textContent?.includes("prod"))).toBe(true);
  });

  test("five hundred lines draw only what is in sight", async () => {
    const items = Array.from({ length: 500 }, (_, at): Item => ({
      kind: "line",
      ...line({ repo: `ihealth/r${at}` }),
    }));
    await mountView(BoardView, {
      snapshot: { ...emptySnapshot(), connections: [connection("drone")], items },
    });
    expect(rows().length).toBeGreaterThan(20);
    expect(rows().length).toBeLessThan(120);
  });
});
