import { cleanup, fireEvent, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { HostError } from "../../host";
import type { Fixture } from "../../host/fixture";
import { setLanguage } from "../../i18n";
import { keys } from "../../keys/keys.svelte";
import { now } from "../../live";
import { stage } from "../../testing/stage";
import { NOW } from "../../testing/story";
import { redeployPlan, watchedTask, workFixture } from "../../testing/work";
import type { Act, Order, Plan } from "../../wire";
import Deeds from "./Deeds.svelte";

const TARGET = "service:rancher/1s51";

const open = (fixture: Fixture) => stage(Deeds, fixture);

function planning(make: (order: Order) => Plan, act?: (act: Act) => void): Fixture {
  return {
    ...workFixture({}),
    answer: (query) => (query.what === "plan" ? { is: "plan", value: make(query.order) } : undefined),
    act: (one) => {
      act?.(one);
      return { is: "task", value: 7 };
    },
  };
}

beforeEach(() => {
  now.fix(NOW);
  setLanguage("en");
});
afterEach(() => {
  cleanup();
  now.fix(null);
});

describe("a costly order", () => {
  it("shows what will happen, begins on Cancel, and runs the very plan that was shown", async () => {
    const { host, session } = open(planning((order) => redeployPlan(order)));
    session.asked = { target: TARGET, verb: "redeploy" };
    const dialog = await screen.findByTestId("plan-dialog");
    expect(dialog).toHaveTextContent("Redeploy report-worker in production");
    expect(screen.getAllByTestId("plan-step")).toHaveLength(5);
    expect(screen.getByTestId("plan-untouched")).toHaveTextContent("the 4 other services of device");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("plan-cancel")));
    expect(keys.paused).toBe(true);
    expect(host.acts).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("plan-confirm"));
    const plan = redeployPlan({ target: TARGET, verb: "redeploy" });
    expect(host.acts).toEqual([{ what: "run", order: plan.order, token: "t1", hold: false }]);
    await waitFor(() => expect(screen.queryByTestId("plan-dialog")).toBeNull());
  });

  it("goes by Ctrl+Enter, and not by Enter alone", async () => {
    const { host, session } = open(planning((order) => redeployPlan(order)));
    session.asked = { target: TARGET, verb: "redeploy" };
    await screen.findByTestId("plan-dialog");
    await fireEvent.keyDown(window, { key: "Enter" });
    expect(host.acts).toHaveLength(0);
    await fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    expect(host.acts).toHaveLength(1);
  });

  it("is made again when the world has overtaken it, and says so", async () => {
    let token = "t1";
    const { host, session } = open(
      planning(
        (order) => redeployPlan(order, { token }),
        (act) => {
          if (act.what === "run" && act.token === "t1") {
            token = "t2";
            throw new HostError({ code: "plan_outdated", message: "the plan is old" });
          }
        },
      ),
    );
    session.asked = { target: TARGET, verb: "redeploy" };
    await fireEvent.click(await screen.findByTestId("plan-confirm"));
    expect(await screen.findByTestId("plan-again")).toHaveTextContent("The plan is old");
    await fireEvent.click(screen.getByTestId("plan-confirm"));
    expect(host.acts.map((act) => act.what === "run" && act.token)).toEqual(["t1", "t2"]);
  });

  it("cannot be run when refused: it says why, and offers what helps", async () => {
    const { host, session } = open(
      planning((order) =>
        redeployPlan(order, {
          refused:
            order.verb === "redeploy"
              ? { message: "refused_upgraded", parts: [["state", "upgraded"]] }
              : null,
          instead: ["finish", "rollback"],
        }),
      ),
    );
    session.asked = { target: TARGET, verb: "redeploy" };
    expect(await screen.findByTestId("plan-refused")).toHaveTextContent(
      "waits to be finished or rolled back",
    );
    expect(screen.queryByTestId("plan-confirm")).toBeNull();
    await fireEvent.keyDown(window, { key: "Enter", ctrlKey: true });
    expect(host.acts).toHaveLength(0);
    await fireEvent.click(screen.getByTestId("plan-instead-finish"));
    await waitFor(() => expect(screen.getByTestId("plan-confirm")).toHaveTextContent("Finish"));
  });

  it("says in words why there is no plan", async () => {
    const { session } = open({
      ...workFixture({}),
      answer: () => {
        throw new HostError({ code: "no_such_item", message: "service:rancher/1s51 is not known" });
      },
    });
    session.asked = { target: TARGET, verb: "redeploy" };
    expect(await screen.findByTestId("plan-failed")).toBeInTheDocument();
  });
});

describe("a reversible order", () => {
  const light = (order: Order) => redeployPlan(order, { danger: "reversible", production: false });

  it("is done at once, held back for five seconds, and can be taken back", async () => {
    const { host, session } = open(planning(light));
    session.asked = { target: TARGET, verb: "redeploy" };
    await waitFor(() => expect(host.acts).toHaveLength(1));
    expect(host.acts[0]).toMatchObject({ what: "run", hold: true });
    expect(screen.queryByTestId("plan-dialog")).toBeNull();
    session.live.tasks = [
      watchedTask({
        id: 7,
        verb: "redeploy",
        state: { is: "held", until: new Date(NOW + 4000).toISOString() },
      }),
    ];
    expect(await screen.findByTestId("undo-bar")).toHaveTextContent("gateway");
    expect(screen.getByTestId("undo")).toHaveTextContent("4 s");
    await fireEvent.click(screen.getByTestId("undo"));
    expect(host.acts[1]).toEqual({ what: "undo", task: 7 });
  });

  it("builds again without holding back", async () => {
    const { host, session } = open(planning(light));
    session.asked = { target: "build:drone/ihealth/web#875", verb: "restart" };
    await waitFor(() => expect(host.acts[0]).toMatchObject({ what: "run", hold: false }));
  });
});

describe("an order that lacks something", () => {
  it("asks for the tag, refuses what is no tag, and plans with it", async () => {
    const asked: Order[] = [];
    const { session } = open(
      planning((order) => {
        asked.push(order);
        return redeployPlan(order);
      }),
    );
    session.asked = { target: TARGET, verb: "upgrade" };
    const field = await screen.findByTestId("plan-ask-value");
    await fireEvent.input(field, { target: { value: "no tag" } });
    await fireEvent.click(screen.getByTestId("plan-ask-go"));
    expect(asked).toHaveLength(0);
    await fireEvent.input(field, { target: { value: "0.9.11" } });
    await fireEvent.click(screen.getByTestId("plan-ask-go"));
    await fireEvent.submit(field.closest("form") as HTMLFormElement);
    await screen.findByTestId("plan-dialog");
    expect(asked[0]).toMatchObject({ verb: "upgrade", tag: "0.9.11" });
  });
});
