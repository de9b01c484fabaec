import { render, screen } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { expect, it } from "vitest";

import PlacedList from "./PlacedList.svelte";

const row = createRawSnippet<[number, number]>((one) => ({
  render: () => `<div data-testid="row">${one()}</div>`,
}));

it("draws only what is in sight of 5,000 rows, at the height of all", () => {
  const rows = Array.from({ length: 5000 }, (_, at) => at);
  const { container } = render(PlacedList<number>, {
    rows,
    heightOf: (one: number) => (one % 100 === 0 ? 22 : 27),
    keyOf: String,
    row,
    label: "rows",
  });
  expect(screen.getAllByTestId("row").length).toBeLessThan(60);
  expect(container.querySelector<HTMLElement>(".tall")?.style.height).toBe(`${4950 * 27 + 50 * 22}px`);
});
