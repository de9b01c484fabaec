export { buildsOf, factsOf } from "./facts";
export { default as LinePeek } from "./LinePeek.svelte";
export { default as LineRow } from "./LineRow.svelte";
export * from "./stations";
