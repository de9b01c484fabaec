export { default as InboxView } from "./InboxView.svelte";
