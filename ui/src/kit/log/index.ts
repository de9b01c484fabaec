export { LogBook, type GivenLine } from "./book";
export type { FeedState, LogFeed } from "./feed";
export { default as LogBody } from "./LogBody.svelte";
export { default as LogView } from "./LogView.svelte";
export { LogPane } from "./pane.svelte";
export { readPlace, writePlace } from "./permalink";
export { shown, size, stamp } from "./words";
