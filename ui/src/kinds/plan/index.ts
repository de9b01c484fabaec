export { default as Deeds } from "./Deeds.svelte";
export { default as PlanDialog } from "./PlanDialog.svelte";
export { detailWords, shortName, stepWords, taskWords, verbWord } from "./words";
