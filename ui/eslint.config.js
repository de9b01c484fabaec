// The walls between the tiers (design § 4) and "no word outside messages/", held by lint.
import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

const LETTER = /\p{L}/u;
const SPOKEN = new Set(["aria-label", "title", "placeholder", "alt"]);

const literalText = {
  meta: { type: "problem", schema: [], messages: { literal: "Words belong in messages/: {{text}}" } },
  create(context) {
    return {
      SvelteText(node) {
        if (node.parent?.type === "SvelteStyleElement" || node.parent?.type === "SvelteScriptElement") return;
        if (!LETTER.test(node.value)) return;
        context.report({ node, messageId: "literal", data: { text: node.value.trim().slice(0, 40) } });
      },
      SvelteAttribute(node) {
        if (!SPOKEN.has(node.key.name)) return;
        for (const value of node.value) {
          if (value.type !== "SvelteLiteral" || !LETTER.test(value.value)) continue;
          context.report({ node, messageId: "literal", data: { text: value.value } });
        }
      },
    };
  },
};

const inlineStyle = {
  meta: {
    type: "problem",
    schema: [],
    messages: { style: "A static style attribute is refused by the page's CSP." },
  },
  create(context) {
    return {
      SvelteAttribute(node) {
        if (node.key.name === "style") context.report({ node, messageId: "style" });
      },
    };
  },
};

/** What a folder may not import: everything that stands above it. */
const wall = (folder, above) => ({
  files: [`src/${folder}/**/*.{ts,svelte}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: above.map((name) => `**/${name}/**`),
            message: `${folder} stands below ${above.join(", ")}`,
          },
          { group: ["@tauri-apps/*"], message: "only host/tauri.ts speaks to Tauri" },
        ],
      },
    ],
  },
});

export default ts.config(
  { ignores: ["dist", "dist-fixture", "node_modules", "src/paraglide", "src/wire"] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"] } },
  },
  {
    plugins: { kopi: { rules: { "literal-text": literalText, "inline-style": inlineStyle } } },
    rules: {
      "no-undef": "off",
      // Logs are made of control characters.
      "no-control-regex": "off",
      "svelte/no-navigation-without-resolve": "off",
      // The live model is deliberately made of plain sets beside reactive maps.
      "svelte/prefer-svelte-reactivity": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "svelte/require-each-key": "error",
      "svelte/no-at-html-tags": "error",
      "@typescript-eslint/no-explicit-any": "error",
    },
  },
  { files: ["src/**/*.svelte"], rules: { "kopi/literal-text": "error", "kopi/inline-style": "error" } },
  wall("wire", ["host", "live", "i18n", "keys", "route", "kit", "kinds", "views", "app"]),
  wall("i18n", ["host", "live", "keys", "route", "kit", "kinds", "views", "app"]),
  wall("host", ["live", "i18n", "keys", "route", "kit", "kinds", "views", "app"]),
  wall("live", ["keys", "kit", "kinds", "views", "app"]),
  wall("kit", ["wire", "host", "live", "kinds", "views", "app"]),
  wall("kinds", ["views", "app"]),
  wall("views", ["app"]),
  { files: ["src/host/tauri.ts"], rules: { "no-restricted-imports": "off" } },
);
