export { default as FailLines } from "./FailLines.svelte";
export { default as SourceBar } from "./SourceBar.svelte";
export * from "./words";
