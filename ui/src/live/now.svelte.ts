/**
 * The time, ticking only for who looks: once a minute for ages, once a second for countdowns.
 * Tests and pictures fix it.
 */
import { createSubscriber } from "svelte/reactivity";

let fixed: number | null = null;
const wakeFixed = new Set<() => void>();

function ticking(periodMs: number): () => void {
  return createSubscriber((update) => {
    wakeFixed.add(update);
    let timer: ReturnType<typeof setTimeout>;
    const next = () => {
      timer = setTimeout(
        () => {
          update();
          next();
        },
        periodMs - (Date.now() % periodMs),
      );
    };
    next();
    return () => {
      clearTimeout(timer);
      wakeFixed.delete(update);
    };
  });
}

const minute = ticking(60_000);
const second = ticking(1000);

export const now = {
  /** Milliseconds since the epoch; whoever reads it in an effect runs again each minute. */
  minute(): number {
    minute();
    return fixed ?? Date.now();
  },
  /** The same, each second: only where a countdown shows. */
  second(): number {
    second();
    return fixed ?? Date.now();
  },
  /** Reads the clock without following it. */
  once(): number {
    return fixed ?? Date.now();
  },
  /** Stops the clock at an instant (`null`: lets it run). */
  fix(at: number | null): void {
    fixed = at;
    for (const wake of wakeFixed) wake();
  },
};
