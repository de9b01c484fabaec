/** The board's keys: moving over rows, and what can be done to the selected line. */
import { hrefOfItem, router } from "../../route/route.svelte";
import { m } from "../../i18n";
import type { Keys } from "../../keys/keys.svelte";
import type { Session } from "../../live";
import type { Line, Verb } from "../../wire";

export interface BoardMoves {
  ids: () => readonly string[];
  line: () => Line | undefined;
  select: (id: string | null) => void;
  open: () => void;
  filter: () => void;
  wrong: () => void;
  peek: () => void;
  escape: () => void;
  tab: (at: number) => void;
}

/** Lays both scopes; returns how to take them away. */
export function boardKeys(keys: Keys, session: Session, moves: BoardMoves): () => void {
  const live = session.live;
  const service = () => {
    const line = moves.line();
    return line?.service ? live.services.get(line.service) : undefined;
  };
  const build = () => {
    const line = moves.line();
    return line?.build ? live.builds.get(line.build) : undefined;
  };
  const offers = (verb: Verb) => service()?.offers.includes(verb) ?? false;
  const onService = (verb: Verb) => () => session.ask(verb, service()?.id);
  const step = (by: number) => () => {
    const ids = moves.ids();
    const line = moves.line();
    const at = line ? ids.indexOf(line.id) : by > 0 ? -1 : ids.length;
    const next = ids[Math.max(0, Math.min(ids.length - 1, at + by))];
    if (next) moves.select(next);
  };
  const lists = keys.bind({
    title: m.keys_lists,
    place: "lists",
    bindings: [
      { keys: ["j", "ArrowDown"], label: m.keys_down, run: step(1) },
      { keys: ["k", "ArrowUp"], label: m.keys_up, run: step(-1) },
      { keys: ["g", "Home"], label: m.keys_first, run: () => moves.select(moves.ids()[0] ?? null) },
      { keys: ["G", "End"], label: m.keys_last, run: () => moves.select(moves.ids().at(-1) ?? null) },
      { keys: ["Enter"], label: m.keys_open, run: moves.open, when: () => moves.line() !== undefined },
      { keys: ["Escape"], label: m.keys_escape, run: moves.escape },
    ],
  });
  const here = keys.bind({
    title: m.view_board,
    place: "here",
    bindings: [
      { keys: ["z"], label: m.board_only_wrong, run: moves.wrong },
      { keys: ["/"], label: m.keys_filter, run: moves.filter },
      { keys: ["p"], label: m.keys_peek, run: moves.peek },
      ...["!", "@", "#", "$"].map((key, at) => ({
        keys: [key],
        label: m.keys_tab,
        run: () => moves.tab(at),
        hidden: at > 0,
      })),
      {
        keys: ["l"],
        label: m.peek_open_log,
        run: () => router.go(hrefOfItem(build()?.id ?? "", null, true)),
        when: () => build() !== undefined,
      },
      {
        keys: ["d"],
        label: m.verb_redeploy,
        run: onService("redeploy"),
        weight: "plan",
        when: () => offers("redeploy"),
      },
      {
        keys: ["b"],
        label: m.verb_rollback,
        run: onService("rollback"),
        weight: "plan",
        when: () => offers("rollback"),
      },
      {
        keys: ["f"],
        label: m.verb_finish,
        run: onService("finish"),
        weight: "plan",
        when: () => offers("finish"),
      },
      {
        keys: ["R"],
        label: m.verb_restart_build,
        run: () => session.ask("restart", build()?.id),
        weight: "now",
        when: () => build() !== undefined,
      },
      {
        keys: ["a"],
        label: m.verb_approve,
        run: () => session.ask("approve", build()?.id),
        weight: "plan",
        when: () => build()?.status === "blocked",
      },
      {
        keys: ["o"],
        label: m.keys_browser,
        run: () => session.host.capabilities.openExternal(build()?.url ?? service()?.url ?? ""),
        when: () => Boolean(build()?.url ?? service()?.url),
      },
      {
        keys: ["y"],
        label: m.keys_copy_sha,
        run: () => void navigator.clipboard?.writeText(build()?.sha ?? ""),
        when: () => build() !== undefined,
      },
    ],
  });
  return () => {
    here();
    lists();
  };
}
