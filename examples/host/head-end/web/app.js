// The frame of the page: header, theme, language, connection, and which view is shown.

import { h, put, setText } from "./dom.js";
import { FleetView } from "./fleet.js";
import { live } from "./live.js";
import { MeterView } from "./meter.js";
import { store } from "./store.js";
import { language, languages, setLanguage, t } from "./text.js";

const THEMES = ["auto", "light", "dark"];
const byId = (id) => document.getElementById(id);
const icon = h("img", { src: "icon.svg", alt: "", width: 28, height: 28 });
let view = null;
let place = null;

const theme = () => document.documentElement.dataset.theme ?? "auto";

function setTheme(name) {
  if (name === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset.theme = name;
    localStorage.setItem("theme", name);
  }
  window.dispatchEvent(new Event("themechange"));
  drawBar();
}

function changeLanguage(name) {
  setLanguage(name);
  place = null;
  draw();
}

function choice(id, label, options, chosen, onchange) {
  const select = h("select", { id, "aria-label": label, onchange: () => onchange(select.value) },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return select;
}

function drawBar() {
  const focused = document.activeElement?.id;
  put(byId("bar"),
    h("a", { class: "brand", href: "#/" }, icon, h("span", null, t("title"))),
    h("span", { class: "link", id: "link" }),
    choice("language", t("language"), languages.map((name) => [name, name.toUpperCase()]),
      language(), changeLanguage),
    choice("theme", t("theme"), THEMES.map((name) => [name, t(`theme_${name}`)]),
      theme(), setTheme));
  if (focused === "theme" || focused === "language") byId(focused).focus();
  drawLink();
}

function drawLink() {
  const words = { up: "live", down: "offline_page", connecting: "connecting" };
  const link = byId("link");
  link.dataset.link = live.state;
  setText(link, t(words[live.state]));
  const lost = live.state === "down";
  byId("banner").hidden = false;
  setText(byId("banner"), lost ? t("lost") : "");
  document.body.classList.toggle("lost", lost);
}

function drawFoot() {
  const { version } = store.summary() ?? {};
  setText(byId("foot"), version ? t("foot", { version }) : "");
}

/** `#/meter/<id>?span=day&show=power`; anything else is the fleet. */
function route() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const meter = /^\/meter\/([0-9a-fA-F]{1,32})$/.exec(path)?.[1] ?? null;
  return { meter, state: Object.fromEntries(new URLSearchParams(query)) };
}

function draw() {
  const { meter, state } = route();
  if (place !== null && place === (meter ?? "")) return;
  const moved = place !== null;
  place = meter ?? "";
  view?.destroy();
  document.documentElement.lang = language();
  setText(byId("skip"), t("skip"));
  drawBar();
  view = meter ? new MeterView(meter, state) : new FleetView();
  document.title = meter ? `${meter} · ${t("title")}` : t("title");
  put(byId("main"), view.element);
  if (moved) {
    byId("main").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  window.dispatchEvent(new Event("themechange")));
live.on("state", drawLink);
store.watch((kind) => kind === "summary" && drawFoot());
draw();
