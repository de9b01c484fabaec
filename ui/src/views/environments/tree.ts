/** Stacks with their services as rows, filtered, in a steady order. Pure. */
import { isHalf } from "../../kinds/service";
import { tagOf } from "../../kinds/status";
import type { Service, Stack } from "../../wire";

export type TreeRow =
  | {
      kind: "stack";
      id: string;
      name: string;
      stack: Stack | undefined;
      services: readonly Service[];
      open: boolean;
    }
  | { kind: "service"; service: Service };

export interface TreeAsk {
  filter: string;
  onlyWrong: boolean;
  system: boolean;
  closed: ReadonlySet<string>;
}

export interface Tree {
  rows: TreeRow[];
  services: Service[];
  /** Left out by filter and switch. */
  hidden: number;
  /** System services that are not shown. */
  system: number;
  stacks: number;
}

export function isWrongService(service: Service): boolean {
  return service.status === "failed" || service.status === "degraded" || isHalf(service);
}

export function fitsService(service: Service, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = [
    service.name,
    service.stack_name,
    service.image,
    tagOf(service.image),
    service.server_state,
    service.status,
    ...service.endpoints,
    ...Object.values(service.labels),
  ]
    .join("\u0000")
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}

export function treeOf(services: readonly Service[], stacks: readonly Stack[], ask: TreeAsk): Tree {
  const byStack = new Map<string, Service[]>();
  let hidden = 0;
  let system = 0;
  const shown: Service[] = [];
  for (const service of services) {
    if (service.system && !ask.system) {
      system += 1;
      continue;
    }
    if ((ask.onlyWrong && !isWrongService(service)) || !fitsService(service, ask.filter)) {
      hidden += 1;
      continue;
    }
    shown.push(service);
    byStack.set(service.stack, [...(byStack.get(service.stack) ?? []), service]);
  }
  const known = new Map(stacks.map((stack) => [stack.id, stack]));
  // Stacks without services are shown too, unless one looks for something: an empty list says that it is empty.
  if (ask.filter === "" && !ask.onlyWrong)
    for (const stack of stacks)
      if (
        !byStack.has(stack.id) &&
        (!stack.system || ask.system) &&
        !services.some((one) => one.stack === stack.id)
      )
        byStack.set(stack.id, []);
  const nameOf = (id: string, list: readonly Service[]) => known.get(id)?.name ?? list[0]?.stack_name ?? id;
  const order = [...byStack.entries()].sort(([a, one], [b, other]) => {
    const systems = Number(known.get(a)?.system ?? false) - Number(known.get(b)?.system ?? false);
    return systems || nameOf(a, one).localeCompare(nameOf(b, other));
  });
  const rows: TreeRow[] = [];
  const inOrder: Service[] = [];
  for (const [id, list] of order) {
    list.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const open = !ask.closed.has(id) || ask.filter !== "" || ask.onlyWrong;
    rows.push({ kind: "stack", id, name: nameOf(id, list), stack: known.get(id), services: list, open });
    if (!open) continue;
    for (const service of list) {
      rows.push({ kind: "service", service });
      inOrder.push(service);
    }
  }
  return { rows, services: inOrder, hidden, system, stacks: order.length };
}
