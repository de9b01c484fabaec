/** The views the rail shows, in its order: only what works. */
import type { Component } from "svelte";

import { m } from "../i18n";
import type { IconName } from "../kit";
import type { ViewName } from "../route/route.svelte";
import { BoardView } from "../views/board";
import { BuildsView } from "../views/builds";
import { EnvironmentsView } from "../views/environments";
import { InboxView } from "../views/inbox";
import { SettingsView } from "../views/settings";

export interface RailView {
  name: ViewName;
  icon: IconName;
  /** Word under the icon. */
  short: () => string;
  /** Title in the top bar. */
  title: () => string;
  component: Component;
  foot?: boolean;
}

export const RAIL: readonly RailView[] = [
  { name: "board", icon: "board", short: m.view_board, title: m.view_board, component: BoardView },
  { name: "builds", icon: "builds", short: m.view_builds, title: m.view_builds, component: BuildsView },
  {
    name: "environments",
    icon: "env",
    short: m.rail_environments,
    title: m.view_environments,
    component: EnvironmentsView,
  },
  {
    name: "inbox",
    icon: "inbox",
    short: m.view_inbox,
    title: m.view_inbox,
    component: InboxView,
    foot: true,
  },
  {
    name: "settings",
    icon: "settings",
    short: m.view_settings,
    title: m.view_settings,
    component: SettingsView,
    foot: true,
  },
];
