export { whatBroke, type Broken } from "./broke";
export { default as BuildPeek } from "./BuildPeek.svelte";
export { BuildDetail } from "./detail.svelte";
export * from "./facts";
export { default as FeedRow } from "./FeedRow.svelte";
export { headlineOf, streakWords, whenSentence } from "./head";
export { default as StepList } from "./StepList.svelte";
export { default as Trend } from "./Trend.svelte";
export { runsOf, usualSteps, type Usual } from "./usual.svelte";
