export { default as ConnectionForm } from "./ConnectionForm.svelte";
export { default as ProbeNote } from "./ProbeNote.svelte";
export { default as FailLines } from "./FailLines.svelte";
export { default as SourceBar } from "./SourceBar.svelte";
export * from "./words";
