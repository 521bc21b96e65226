// The history of one meter: a span, a quantity, the chart, the bars of energy, the way to the CSV.

import { api } from "./api.js";
import { EnergyBars } from "./bars.js";
import { HistoryChart, QUANTITIES } from "./chart.js";
import { h, put, scroller, setText } from "./dom.js";
import { edgesOf, energyParts, partsFor, total } from "./energy.js";
import * as f from "./format.js";
import { t } from "./text.js";

const SPANS = { hour: 3600, day: 86400, week: 604800, month: 2678400 };
const MOST_POINTS = 1600;
const MOST_ENERGY_POINTS = 10000;
const FIRST_SEARCHES = 4;
const REFRESH = 30000;

export class HistoryPanel {
  /** `newest()` is the time of the meter's newest record; `state` comes from the address. */
  constructor(meter, newest, state) {
    Object.assign(this, { meter, newest, trail: [], turn: 0, closed: false });
    this.view = { show: state.show in QUANTITIES ? state.show : "power",
      span: state.span in SPANS || state.span === "all" ? state.span : "day" };
    if (Number(state.from) < Number(state.to)) {
      Object.assign(this.view, { span: null, from: Number(state.from), to: Number(state.to) });
    }
    this.chart = new HistoryChart({ onZoom: (from, to) => this.zoom(from, to),
      onBack: () => this.back() });
    this.bars = new EnergyBars((from, to) => this.zoom(from, to));
    this.build();
    this.timer = setInterval(() => this.follow(), REFRESH);
    this.load();
  }

  destroy() {
    this.closed = true;
    clearInterval(this.timer);
    this.chart.destroy();
    this.bars.destroy();
  }

  build() {
    const spans = [...Object.keys(SPANS), "all"];
    this.spans = spans.map((span) => h("button", { type: "button", "data-span": span,
      onclick: () => this.go({ span }) }, t(span)));
    this.tabs = Object.keys(QUANTITIES).map((name) => h("button", { type: "button",
      "data-quantity": name, onclick: () => this.pick(name) }, t(name)));
    this.fromInput = h("input", { type: "datetime-local", id: "from", required: true });
    this.toInput = h("input", { type: "datetime-local", id: "to", required: true });
    this.backButton = h("button", { type: "button", class: "quiet", id: "zoom-out",
      onclick: () => this.back() }, `↩ ${t("back")}`);
    this.csv = h("a", { class: "button", id: "csv", download: "" }, t("csv"));
    this.note = h("p", { class: "note", id: "chart-note" });
    this.empty = h("div", { class: "empty", role: "status" });
    this.whole = h("p", { class: "note", id: "energy-note" });
    this.energyTitle = h("h2", null, t("energy"));
    this.element = h("div", { class: "stack" }, this.chartPanel(), this.energyPanel());
  }

  chartPanel() {
    return h("section", { class: "panel", "aria-labelledby": "history-title" },
      h("div", { class: "panel-head" }, h("h2", { id: "history-title" }, t("history")),
        h("div", { class: "segments", role: "group", "aria-label": t("quantity") }, this.tabs)),
      h("div", { class: "tools" },
        h("div", { class: "segments", role: "group", "aria-label": t("span") }, this.spans),
        this.spanForm(), this.backButton),
      this.empty, this.chart.element,
      this.chartFoot(),
      this.tableBox(this.chart, "chart-table"));
  }

  chartFoot() {
    this.foot = h("div", { class: "panel-foot" }, this.note, h("span", { class: "actions" },
      this.tableSwitch(this.chart, "chart-table"), this.csv));
    return this.foot;
  }

  energyPanel() {
    this.energySection = h("section", { class: "panel", "aria-label": t("energy") },
      h("div", { class: "panel-head" }, this.energyTitle), this.bars.element,
      h("div", { class: "panel-foot" }, this.whole,
        h("span", { class: "actions" }, this.tableSwitch(this.bars, "energy-table"))),
      this.tableBox(this.bars, "energy-table"));
    return this.energySection;
  }

  spanForm() {
    const form = h("form", { class: "span-form", onsubmit: (event) => this.submit(event) },
      h("label", { for: "from" }, t("from")), this.fromInput,
      h("label", { for: "to" }, t("to")), this.toInput,
      h("button", { type: "submit" }, t("show")));
    return form;
  }

  tableSwitch(source, id) {
    source.tableButton = h("button", { type: "button", class: "quiet", "aria-expanded": "false",
      "aria-controls": id, onclick: () => this.toggle(source) }, t("as_table"));
    return source.tableButton;
  }

  tableBox(source, id) {
    source.tableBox = h("div", { id, hidden: true });
    return source.tableBox;
  }

  toggle(source) {
    const open = source.tableBox.hidden;
    source.tableBox.hidden = !open;
    source.tableButton.setAttribute("aria-expanded", String(open));
    setText(source.tableButton, t(open ? "as_chart" : "as_table"));
    this.fillTable(source);
  }

  fillTable(source) {
    const ready = source === this.chart ? this.chart.history : this.bars.imported;
    if (source.tableBox.hidden || !ready) return;
    const table = source.table();
    put(source.tableBox, scroller(`${t("as_table")}: ${table.caption.textContent}`, table));
  }

  submit(event) {
    event.preventDefault();
    const from = new Date(this.fromInput.value).getTime() / 1000;
    const to = new Date(this.toInput.value).getTime() / 1000;
    this.toInput.setCustomValidity(from < to ? "" : t("bad_span"));
    if (this.toInput.reportValidity()) this.zoom(from, to);
    this.toInput.setCustomValidity("");
  }

  pick(show) {
    this.view = { ...this.view, show };
    this.mark();
    if (this.history?.rows.length) this.chart.show(this.history, show);
    this.fillTable(this.chart);
  }

  /** Goes to a span and remembers the way back. */
  go(next) {
    this.trail.push(this.view);
    this.view = { show: this.view.show, ...next };
    this.load();
  }

  zoom(from, to) {
    this.go({ span: null, from, to });
  }

  back() {
    if (!this.trail.length) return;
    this.view = { ...this.trail.pop(), show: this.view.show };
    this.load();
  }

  /** A short span that ends now moves with the time, a longer one with the records only. */
  follow() {
    if (["hour", "day"].includes(this.view.span) && !document.hidden) this.load();
  }

  /** Called with the time of each new record: one that fills a further interval is shown soon. */
  noteReading(time) {
    const { history } = this;
    const last = history?.rows[history.rows.length - 1]?.[0] ?? 0;
    const due = !history || time >= last + history.period;
    if (!this.view.span || !due || this.soon) return;
    this.soon = setTimeout(() => {
      this.soon = null;
      if (!this.closed) this.load();
    }, 3000);
  }

  mark() {
    for (const button of this.spans) {
      button.setAttribute("aria-pressed", String(button.dataset.span === this.view.span));
    }
    for (const button of this.tabs) {
      button.setAttribute("aria-pressed", String(button.dataset.quantity === this.view.show));
    }
    this.backButton.hidden = !this.trail.length;
    const { span, from, to, show } = this.view;
    const words = span ? { span, show } : { from, to, show };
    const address = `#/meter/${this.meter}?${new URLSearchParams(words)}`;
    if (location.hash !== address) history.replaceState(null, "", address);
  }

  async edges() {
    if (!this.view.span) return [this.view.from, this.view.to];
    const now = Math.ceil(Math.max(Date.now() / 1000, this.newest() ?? 0) / 60) * 60;
    if (this.view.span !== "all") return [now - SPANS[this.view.span], now];
    return [await this.beginning(now), now];
  }

  /** The start of the first record, found by looking ever closer. */
  async beginning(now) {
    let from = this.first ?? 0;
    for (let i = 0; i < FIRST_SEARCHES && !this.first; i++) {
      const { rows, step } = await api.history(this.meter, from, now, MOST_POINTS);
      if (!rows.length) return now - SPANS.day;
      const start = Math.max(from, rows[0][0] - step);
      if (start <= from + step) break;
      from = start;
    }
    this.first = from;
    return from;
  }

  async load() {
    const turn = ++this.turn;
    this.mark();
    this.chart.element.classList.add("busy");
    try {
      const [from, to] = await this.edges();
      const width = this.chart.box.clientWidth || 800;
      const points = Math.max(200, Math.min(MOST_POINTS, width));
      const [answer, energy] = await Promise.all([
        api.history(this.meter, from, to, points), this.energyHistory(from, to)]);
      if (turn === this.turn && !this.closed) this.present({ ...answer, from, to }, energy);
    } catch (error) {
      if (turn === this.turn && !this.closed) this.fail(error);
    }
    if (turn === this.turn) this.chart.element.classList.remove("busy");
  }

  async energyHistory(from, to) {
    const { name, want } = partsFor(from, to);
    const edges = edgesOf(from, to, name, want);
    const last = edges[edges.length - 1];
    const points = Math.min(MOST_ENERGY_POINTS, Math.ceil((last - edges[0]) / want) + 3);
    const answer = await api.history(this.meter, edges[0] - want, last, points);
    return { name, want, edges, answer };
  }

  present(answer, energy) {
    this.history = answer;
    const some = answer.rows.length > 0;
    this.chart.element.hidden = !some;
    this.empty.hidden = some;
    this.foot.hidden = !some;
    this.energySection.hidden = !energy.answer.rows.length;
    this.fillInputs(answer.from, answer.to);
    this.csv.href = api.csv(this.meter, answer.from, answer.to);
    if (some) this.chart.show(answer, this.view.show);
    else this.presentEmpty();
    setText(this.note, some ? this.gapWords(answer) : "");
    this.presentEnergy(energy);
    this.fillTable(this.chart);
    this.fillTable(this.bars);
  }

  presentEmpty() {
    const newest = this.newest();
    const go = () => this.zoom(newest - SPANS.day, newest);
    put(this.empty, h("p", null, t("empty_span")), newest
      ? h("p", null, t("newest", { time: f.moment(newest) }), " ",
        h("button", { type: "button", onclick: go }, t("go_there"))) : null);
  }

  fail(error) {
    this.empty.hidden = false;
    put(this.empty, h("p", null, t("failed", { error: error.message })),
      h("button", { type: "button", onclick: () => this.load() }, t("try_again")));
  }

  gapWords({ missing, rows, step }) {
    const lost = missing.reduce((all, [from, to]) => all + to - from, 0);
    const gaps = missing.length
      ? t("gaps_in_span", { n: missing.length, time: f.duration(lost) }) : t("gapless");
    const grain = t("rows_of", { rows: f.number(rows.length), step: f.duration(step) });
    return `${gaps} · ${grain} · ${t("times_in", { zone: f.zone() })}`;
  }

  presentEnergy({ name, want, edges, answer }) {
    const imported = energyParts(answer, edges, "import");
    const exported = energyParts(answer, edges, "export");
    const sums = [t("energy_total", { import: f.energy(total(imported)) })];
    if (total(exported)) sums.push(t("energy_export", { export: f.energy(total(exported)) }));
    setText(this.energyTitle, `${t("energy")} ${t(`by_${name}`)}`);
    const span = f.interval(edges[0], edges[edges.length - 1]);
    this.bars.show(imported, exported, name, `${span} · ${sums.join(" · ")}`);
    const coarse = answer.step > want
      ? ` ${t("energy_coarse", { step: f.duration(answer.step) })}` : "";
    setText(this.whole, t("energy_rule") + coarse);
  }

  fillInputs(from, to) {
    const local = (time) => {
      const date = new Date(time * 1000);
      const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
      return shifted.toISOString().slice(0, 16);
    };
    if (!this.fromInput.matches(":focus")) this.fromInput.value = local(from);
    if (!this.toInput.matches(":focus")) this.toInput.value = local(to);
  }
}
