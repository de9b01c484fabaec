/**
 * From "do it" to the request: ask for what is missing (a tag, a number, an environment), plan, and then by the weight of
 * the plan: a bar with five seconds to take it back, or the dialog. One order at a time.
 * Refuses: running anything but the plan that was shown; repeating anything by itself.
 */
import { asApiError } from "../../host";
import type { Session } from "../../live";
import type { ApiError, Order, Plan, Verb } from "../../wire";

/** What the person sees of an order. */
export type DeskState =
  | { is: "idle" }
  /** The core is asked for the plan. */
  | { is: "planning"; order: Order }
  /** Something is missing. */
  | { is: "asking"; order: Order }
  /** The plan is shown. `again`: it was made anew, since the world had overtaken the one before. */
  | { is: "shown"; plan: Plan; again: boolean }
  /** The confirmed plan is on its way. */
  | { is: "sending"; plan: Plan }
  /** There is no plan: why. */
  | { is: "failed"; order: Order; error: ApiError };

/** Verbs on builds that are done at once: nothing is lost by them, and they can be done again. */
const AT_ONCE: readonly Verb[] = ["restart", "cancel"];

export class Desk {
  state = $state.raw<DeskState>({ is: "idle" });
  #session: Session;
  /** Goes up with every order, so that a late answer to an old one is dropped. */
  #turn = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Takes an order. */
  async take(order: Order): Promise<void> {
    if (isMissing(order)) {
      this.#turn += 1;
      this.state = { is: "asking", order };
      return;
    }
    await this.#plan(order, false);
  }

  /** Runs the plan that is shown. */
  async confirm(): Promise<void> {
    if (this.state.is !== "shown" || this.state.plan.refused) return;
    await this.#run(this.state.plan, false);
  }

  close(): void {
    this.#turn += 1;
    this.state = { is: "idle" };
  }

  async #plan(order: Order, again: boolean): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.state = { is: "planning", order };
    try {
      const plan = await this.#session.plan(order);
      if (turn !== this.#turn) return;
      // A plan made anew is shown even when the first one would have run: it is not what was asked for.
      if (plan.danger === "reversible" && !plan.refused && !again) await this.#run(plan, true);
      else this.state = { is: "shown", plan, again };
    } catch (thrown) {
      if (turn === this.#turn) this.state = { is: "failed", order, error: asApiError(thrown) };
    }
  }

  async #run(plan: Plan, light: boolean): Promise<void> {
    const turn = this.#turn;
    this.state = { is: "sending", plan };
    const atOnce = plan.order.target.startsWith("build:") && AT_ONCE.includes(plan.order.verb);
    try {
      await this.#session.host.act({
        what: "run",
        order: plan.order,
        token: plan.token,
        hold: light && !atOnce,
      });
      if (turn === this.#turn) this.state = { is: "idle" };
    } catch (thrown) {
      if (turn !== this.#turn) return;
      const error = asApiError(thrown);
      if (error.code === "plan_outdated") await this.#plan(plan.order, true);
      else this.state = { is: "failed", order: plan.order, error };
    }
  }
}

/** Whether a person must say more before there can be a plan. */
export function isMissing(order: Order): boolean {
  if (order.verb === "upgrade") return !order.tag;
  if (order.verb === "scale") return typeof order.scale !== "number";
  if (order.verb === "promote") return !order.environment;
  return false;
}
