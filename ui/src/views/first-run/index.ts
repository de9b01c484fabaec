export { default as FirstRunView } from "./FirstRunView.svelte";
