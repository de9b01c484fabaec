export { default as EnvironmentsView } from "./EnvironmentsView.svelte";
