// The fleet: total power, a summary, and the list of meters.

import { api } from "./api.js";
import { h, put, setText } from "./dom.js";
import * as f from "./format.js";
import { drawTrace, fact, setFigure, setState } from "./parts.js";
import { daySpark } from "./spark.js";
import { store } from "./store.js";
import { t } from "./text.js";

const PAGE = 100;
const SPARK_POINTS = 96;
const DAY = 86400;

export class FleetView {
  constructor() {
    Object.assign(this, { rows: new Map(), wanted: "", shown: PAGE, stale: true, queue: [] });
    this.facts = Object.fromEntries(["on_line", "records", "gaps", "duplicates", "refused", "unproven"]
      .map((name) => [name, fact(t(name), `fleet-${name.replace("_", "-")}`)]));
    this.facts.unproven.element.hidden = true;
    this.build();
    this.eye = new IntersectionObserver((seen) => this.seen(seen),
      { rootMargin: "300px" });
    this.off = store.watch((kind, meter) => this.changed(kind, meter));
    this.timer = setInterval(() => this.age(), 1000);
    this.drawSummary();
    this.drawList();
  }

  destroy() {
    this.closed = true;
    this.off();
    this.eye.disconnect();
    clearInterval(this.timer);
  }

  build() {
    this.power = h("p", { id: "fleet-power", class: "huge" });
    this.time = h("p", { class: "note", id: "fleet-time" });
    this.trace = h("div", { class: "trace" });
    const hero = h("section", { class: "panel hero", "aria-label": t("total") },
      h("div", null, h("h1", { class: "eyebrow" }, t("total")), this.power, this.time), this.trace,
      h("dl", { class: "facts" }, Object.values(this.facts).map((one) => one.element)));
    const search = h("input", { type: "search", id: "find", placeholder: t("find_hint"),
      "aria-label": t("find"), oninput: () => this.search(search.value) });
    this.body = h("tbody");
    const heads = ["meter", "state", "power", "last_day", "import", "last_seen", "records",
      "missing"].map((name) => h("th", { scope: "col", class: `c-${name}` }, t(name)));
    this.table = h("table", { class: "fleet", id: "fleet" },
      h("caption", { class: "sr" }, t("meters")),
      h("thead", null, h("tr", null, heads)), this.body);
    this.empty = h("p", { class: "empty", role: "status" });
    this.more = h("button", { type: "button", class: "quiet more",
      onclick: () => this.showMore() });
    this.element = h("div", { class: "stack" }, hero,
      h("section", { class: "panel", "aria-labelledby": "meters-title" },
        h("div", { class: "panel-head" }, h("h2", { id: "meters-title" }, t("meters")), search),
        this.table, this.empty, this.more));
  }

  search(text) {
    this.wanted = text.trim().toLowerCase();
    this.shown = PAGE;
    this.drawList();
  }

  showMore() {
    this.shown += PAGE;
    this.drawList();
  }

  changed(kind, id) {
    if (kind === "summary") this.drawSummary();
    else if (kind === "list") this.drawList();
    else if (kind === "failed") this.drawFailure(id);
    else if (this.rows.has(id)) this.drawRow(store.meter(id));
  }

  drawFailure(error) {
    if (store.loaded()) return;
    this.empty.hidden = false;
    setText(this.empty, t("failed", { error: error.message }));
  }

  drawSummary() {
    const summary = store.summary();
    setFigure(this.power, f.powerParts(summary?.active_power));
    setText(this.time, summary?.time ? t("at_time", { time: f.momentSeconds(summary.time) })
      : t("waiting"));
    if (!summary) return;
    const { facts } = this;
    const of = t("of", { n: f.number(summary.online), all: f.number(summary.meters) });
    setText(facts.on_line.value, of);
    setText(facts.records.value, f.number(summary.records));
    setText(facts.gaps.value, f.number(summary.gaps));
    facts.gaps.element.classList.toggle("warned", summary.gaps > 0);
    setText(facts.duplicates.value, f.number(summary.duplicates));
    setText(facts.refused.value, f.number(summary.refused));
    facts.refused.element.classList.toggle("warned", summary.refused > 0);
    setText(facts.unproven.value, f.number(summary.unproven));
    facts.unproven.element.hidden = !summary.unproven;
    facts.unproven.element.classList.toggle("warned", summary.unproven > 0);
    drawTrace(this.trace, store.trace("fleet"));
  }

  fits(meter) {
    const words = [meter.meter, meter.hardware, t(`state_${store.state(meter)}`)];
    return words.join(" ").toLowerCase().includes(this.wanted);
  }

  drawList() {
    const all = store.meters().filter((meter) => this.fits(meter))
      .sort((a, b) => a.meter.localeCompare(b.meter));
    const visible = all.slice(0, this.shown);
    for (const meter of visible) {
      if (!this.rows.has(meter.meter)) this.addRow(meter);
      this.drawRow(meter);
    }
    const nodes = visible.map((meter) => this.rows.get(meter.meter).element);
    const same = nodes.length === this.body.children.length
      && nodes.every((node, i) => node === this.body.children[i]);
    if (!same) put(this.body, nodes);
    this.drawEnds(all.length);
  }

  drawEnds(count) {
    this.table.hidden = count === 0;
    this.empty.hidden = count > 0;
    const reason = !store.loaded() ? "loading" : this.wanted ? "none_found" : "none_yet";
    if (!count) setText(this.empty, t(reason));
    const rest = count - this.shown;
    this.more.hidden = rest <= 0;
    setText(this.more, t("more", { n: f.number(Math.max(0, Math.min(PAGE, rest))) }));
  }

  addRow(meter) {
    const cell = (name) => h("td", { class: `c-${name}`, "data-label": t(name) });
    const cells = Object.fromEntries(["state", "power", "last_day", "import", "last_seen",
      "records", "missing"].map((name) => [name, cell(name)]));
    const power = h("span", { class: "power" });
    cells.power.append(power);
    const kind = h("span", { class: "kind" });
    const link = h("a", { href: `#/meter/${meter.meter}`, class: "number" }, meter.meter);
    const element = h("tr", { "data-meter": meter.meter },
      h("th", { scope: "row", class: "c-meter" }, link, kind), Object.values(cells));
    this.rows.set(meter.meter, { ...cells, element, kind, power });
    this.eye.observe(element);
  }

  drawRow(meter) {
    const row = this.rows.get(meter.meter);
    const phases = meter.phases ? t("phases", { n: meter.phases }) : "";
    setText(row.kind, [meter.hardware, phases].filter(Boolean).join(" · "));
    setFigure(row.power, f.powerParts(meter.active_power));
    setText(row.import, f.energy(meter.import));
    setText(row.records, f.number(meter.records));
    setText(row.missing, f.number(meter.missing));
    row.missing.classList.toggle("alert", meter.missing > 0);
    this.drawAge(meter, row);
  }

  drawAge(meter, row) {
    const state = store.state(meter);
    setState(row.state, state);
    row.element.dataset.state = state;
    setText(row.last_seen, f.ago(meter.last_seen));
  }

  age() {
    for (const [id, row] of this.rows) {
      if (row.element.isConnected) this.drawAge(store.meter(id), row);
    }
  }

  /** The line of the last day is fetched only for rows that come into sight, one at a time. */
  seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.eye.unobserve(target);
      this.queue.push(target.dataset.meter);
    }
    if (!this.drawing) this.drawSparks();
  }

  async drawSparks() {
    this.drawing = true;
    while (this.queue.length && !this.closed) {
      const id = this.queue.shift();
      const meter = store.meter(id);
      const to = Math.ceil(Math.max(Date.now() / 1000, meter.latest?.time ?? 0) / 900) * 900;
      const history = await api.history(id, to - DAY, to, SPARK_POINTS).catch(() => null);
      const cell = this.rows.get(id).last_day;
      const span = { ...history, from: to - DAY, to };
      put(cell, history?.rows.length ? daySpark(span, t("last_day"))
        : h("span", { class: "note" }, t("no_record")));
    }
    this.drawing = false;
  }
}
