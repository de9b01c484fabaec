/** Gathers what a line's row needs from the live model. Read inside an effect it follows just those items. */
import { type Live, usualMs } from "../../live";
import type { Build, Line } from "../../wire";
import type { LineFacts } from "./stations";

export function factsOf(live: Live, line: Line): LineFacts {
  const build = line.build ? live.builds.get(line.build) : undefined;
  const service = line.service ? live.services.get(line.service) : undefined;
  const running = line.link?.by === "seen_running" ? live.builds.get(line.link.build) : undefined;
  const containers = service
    ? live.containersByService.of(service.id).flatMap((id) => live.containers.get(id) ?? [])
    : [];
  return {
    line,
    build,
    running,
    passed: line.passed ? live.builds.get(line.passed) : undefined,
    service,
    containers,
    task: service ? live.tasks.find((task) => task.target === service.id) : undefined,
    buildStale: build ? live.staleness(build.connection, build.scope) : { stale: false, asOf: null },
    serviceStale: service ? live.staleness(service.connection, service.scope) : { stale: false, asOf: null },
    usual: build?.status === "running" ? usualMs(buildsOf(live, line.repo)) : null,
    queue: build?.status === "waiting" ? queuePlace(live, build) : null,
  };
}

/** The live builds of a repository, newest first. */
export function buildsOf(live: Live, repo: string): Build[] {
  return live.buildsByRepo.of(repo).flatMap((id) => live.builds.get(id) ?? []);
}

/** Place among all that wait at the same server, oldest first. */
function queuePlace(live: Live, build: Build): number | null {
  if (!build.created_at) return null;
  let ahead = 0;
  for (const other of live.builds.values()) {
    if (other.status !== "waiting" || other.connection !== build.connection || !other.created_at) continue;
    if (other.created_at < build.created_at) ahead += 1;
  }
  return ahead + 1;
}
