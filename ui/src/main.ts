/** Mounts the page on the host it finds. */
import "./kit/tokens.css";
import "./kit/kopi.css";

import { mount } from "svelte";

import App from "./app/App.svelte";
import { chooseHost } from "./host";

const target = document.getElementById("app");
if (target) {
  const host = await chooseHost();
  mount(App, { target, props: { host } });
}
