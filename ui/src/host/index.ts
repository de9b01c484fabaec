/** Chooses the host at start. The fixture host exists only in builds made with `--mode fixture`. */
import type { Host } from "./host";

export type { Capabilities, Host, LinkState, ModelFrame } from "./host";
export { asApiError, expectAnswer, HostError } from "./host";

export async function chooseHost(): Promise<Host> {
  if (import.meta.env.MODE === "fixture") {
    const { FixtureHost } = await import("./fixture");
    return FixtureHost.fromLocation();
  }
  if ("__TAURI_INTERNALS__" in window) {
    const { TauriHost } = await import("./tauri");
    return new TauriHost();
  }
  const { WebHost } = await import("./web");
  return WebHost.connect();
}
