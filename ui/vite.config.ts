import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

// The page runs under `default-src 'self'`: no inlined assets, no inline scripts or styles.
import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as {
  version: string;
};

export default defineConfig({
  define: { __KOPI_VERSION__: JSON.stringify(version) },
  base: "./",
  plugins: [svelte(), svelteTesting()],
  clearScreen: false,
  server: { host: "127.0.0.1", port: 1420, strictPort: true },
  preview: { host: "127.0.0.1", port: 1421 },
  build: {
    target: ["chrome105", "safari15"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/testing/setup.ts"],
    include: ["src/**/*.test.ts"],
    env: { TZ: "Asia/Shanghai" },
    // A loaded machine is slow, not wrong: how long something takes is measured elsewhere.
    testTimeout: 60_000,
  },
});
