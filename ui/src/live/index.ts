export { apply, EMPTY, fromSnapshot, hasAnswered, type LiveState } from "./apply";
export { kindOf, type Kind, type KindMap, Live, type Staleness } from "./live.svelte";
export { now } from "./now.svelte";
export { tookMs, usualMs } from "./usual";
export { getSession, Session, setSession } from "./session.svelte";
