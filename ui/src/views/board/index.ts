export { default as BoardView } from "./BoardView.svelte";
