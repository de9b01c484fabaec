export * from "./facts";
export { default as HostList } from "./HostList.svelte";
export { default as ServicePane } from "./ServicePane.svelte";
export { default as ServiceRow } from "./ServiceRow.svelte";
