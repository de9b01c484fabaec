export { default as BuildsView } from "./BuildsView.svelte";
