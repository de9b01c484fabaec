/** Keys that work in every view. */
import { m } from "../i18n";
import type { Keys } from "../keys/keys.svelte";
import type { Session } from "../live";
import { hrefOf, router } from "../route/route.svelte";
import { RAIL } from "./views";

export interface FrameMoves {
  open: (what: "palette" | "sheet") => void;
  overlaid: () => boolean;
}

export function frameKeys(keys: Keys, session: Session, moves: FrameMoves): () => void {
  return keys.bind({
    title: m.keys_everywhere,
    place: "everywhere",
    bindings: [
      {
        keys: ["mod+k"],
        label: m.keys_palette,
        run: () => moves.open("palette"),
        always: true,
        when: () => !moves.overlaid() && !keys.paused,
      },
      ...RAIL.map((view, at) => ({
        keys: [String(at + 1)],
        label: view.title,
        run: () => router.go(hrefOf(view.name)),
      })),
      { keys: ["["], label: m.keys_back, run: () => router.back() },
      { keys: ["]"], label: m.keys_forth, run: () => router.forth() },
      { keys: ["n"], label: m.keys_inbox, run: () => router.go(hrefOf("inbox")) },
      {
        keys: ["r"],
        label: m.keys_try,
        run: () => void session.act({ what: "try_now", connection: null }),
      },
      { keys: ["?"], label: m.keys_sheet, run: () => moves.open("sheet") },
    ],
  });
}
