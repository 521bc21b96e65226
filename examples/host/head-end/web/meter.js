// One meter: live values, history, registers, events, connection.

import { api } from "./api.js";
import { BillingList } from "./billing.js";
import { h, pulse, put, scroller, setText, table } from "./dom.js";
import { EventList } from "./events.js";
import * as f from "./format.js";
import { HistoryPanel } from "./history.js";
import { drawTrace, fact, setFigure, setState } from "./parts.js";
import { store } from "./store.js";
import { statusWords, t } from "./text.js";

const REFRESH = 15000;
const REGISTERS = [["1-0:1.8.0", "import", "Wh"], ["1-0:2.8.0", "export", "Wh"],
  ["1-0:3.8.0", "reactive_import", "varh"], ["1-0:4.8.0", "reactive_export", "varh"]];
const PHASE_ROWS = [["voltage", f.voltage], ["current", f.current], ["active", f.power],
  ["reactive", f.reactive], ["power_factor", f.factor]];

export class MeterView {
  constructor(id, state) {
    Object.assign(this, { id, state, detail: null });
    this.element = h("div", { class: "stack" }, this.head(),
      h("p", { class: "empty", role: "status" }, t("loading")));
    this.off = store.watch((kind, meter) => this.changed(kind, meter));
    this.timer = setInterval(() => this.age(), 1000);
    this.reload = setInterval(() => !document.hidden && this.load(), REFRESH);
    this.load();
  }

  destroy() {
    this.closed = true;
    this.off();
    clearInterval(this.timer);
    clearInterval(this.reload);
    this.history?.destroy();
  }

  head() {
    this.chip = h("span");
    this.kind = h("p", { class: "note" });
    return h("header", { class: "meter-head" },
      h("a", { href: "#/", class: "back" }, `‹ ${t("home")}`),
      h("div", { class: "title" }, h("h1", { class: "number" }, this.id), this.chip), this.kind);
  }

  async load() {
    try {
      const detail = await api.meter(this.id);
      if (this.closed) return;
      const first = !this.detail;
      this.detail = detail;
      if (first) this.build();
      this.draw();
    } catch (error) {
      if (!this.closed && !this.detail) this.fail(error);
    }
  }

  fail(error) {
    const text = error.status === 404 ? t("no_meter", { meter: this.id })
      : t("failed", { error: error.message });
    setText(this.element.lastElementChild, text);
  }

  build() {
    this.power = h("p", { id: "meter-power", class: "huge" });
    this.time = h("p", { class: "note", id: "meter-time" });
    this.trace = h("div", { class: "trace" });
    this.phases = h("div", { class: "phases" });
    this.registers = h("div");
    this.connection = h("dl", { class: "facts list" });
    this.streams = h("div");
    this.events = new EventList(this.id);
    this.billing = new BillingList(this.id);
    this.history = new HistoryPanel(this.id, () => this.newest(), this.state);
    this.element.lastElementChild.replaceWith(
      h("section", { class: "panel hero single", "aria-label": t("power_now") },
        h("div", null, h("h2", { class: "eyebrow" }, t("power_now")), this.power, this.time,
          this.trace), this.phases),
      this.history.element, this.billing.element,
      h("div", { class: "columns" },
        h("div", { class: "stack" }, panel(t("registers"), this.registers), this.events.element),
        panel(t("connection"), this.connection, h("h3", null, t("streams")), this.streams)));
  }

  newest() {
    return Math.max(this.detail?.latest?.time ?? 0, this.detail?.registers?.time ?? 0) || null;
  }

  changed(kind, id) {
    if (!this.detail || (id && id !== this.id)) return;
    if (kind === "reading") this.apply(store.meter(this.id).latest);
    if (kind === "status") this.load();
  }

  apply(reading) {
    this.detail.latest = { ...this.detail.latest, ...reading };
    const { registers } = this.detail;
    if (registers && reading.import !== null && reading.import !== undefined) {
      Object.assign(registers, { import: reading.import });
      registers.time = Math.max(registers.time, reading.time);
    }
    this.history.noteReading(reading.time);
    this.drawLive();
    this.drawRegisters();
  }

  draw() {
    const { hardware, firmware, phases } = this.detail;
    const words = [hardware, firmware && `${t("firmware")} ${firmware}`,
      phases && t("phases", { n: phases })];
    setText(this.kind, words.filter(Boolean).join(" · "));
    this.drawLive();
    this.drawRegisters();
    this.drawConnection();
    this.drawStreams();
    this.events.refresh();
    this.billing.refresh(this.detail);
    this.age();
  }

  drawLive() {
    const latest = this.detail.latest ?? {};
    const active = latest.active?.length ? latest.active.reduce((a, b) => a + b, 0) : null;
    setFigure(this.power, f.powerParts(active));
    this.power.classList.toggle("feeding", active < 0);
    this.drawTime(latest.time, active);
    drawTrace(this.trace, store.trace(this.id));
    this.drawPhases(latest);
  }

  drawTime(time, active) {
    const meter = store.meter(this.id);
    const old = meter && store.state(meter) !== "online";
    const words = time ? [t("at_time", { time: f.momentSeconds(time) })] : [t("waiting")];
    if (active < 0) words.push(t("exporting"));
    if (time && old) words.push(t("stale_value"));
    setText(this.time, words.join(" · "));
    this.power.classList.toggle("old", Boolean(old));
  }

  drawPhases(latest) {
    const count = latest.voltage?.length ?? this.detail.phases ?? 1;
    if (this.phaseCells?.length !== count) this.buildPhases(count);
    this.phaseCells.forEach((cells, phase) => PHASE_ROWS.forEach(([name, show], row) => {
      const known = cells[row].textContent !== "";
      if (setText(cells[row], show(latest[name]?.[phase])) && known) pulse(cells[row]);
    }));
    setText(this.frequency, f.frequency(latest.frequency));
  }

  buildPhases(count) {
    const phases = Array.from({ length: count }, (_, i) => i + 1);
    this.phaseCells = phases.map((phase) =>
      PHASE_ROWS.map(([name]) => h("span", { "data-value": `${name}-${phase}` })));
    this.frequency = h("span", { id: "frequency" });
    const rows = PHASE_ROWS.map(([name], row) =>
      [t(name), ...this.phaseCells.map((cells) => cells[row])]);
    rows.push([t("frequency"), this.frequency, ...phases.slice(1).map(() => "")]);
    const heads = [t("instant"), ...phases.map((phase) => `L${phase}`)];
    put(this.phases, scroller(t("instant"), table(t("instant"), heads, rows)));
  }

  drawRegisters() {
    const { registers } = this.detail;
    if (!registers) {
      put(this.registers, h("p", { class: "note" }, t("no_registers")));
      return;
    }
    const text = REGISTERS.map(([, name, unit]) => f.energy(registers[name], unit));
    const key = `${registers.time}|${text.join("|")}`;
    if (key === this.registersShown) return;
    this.registersShown = key;
    const rows = REGISTERS.map(([obis, name], i) => [
      h("span", null, h("span", { class: "obis" }, obis), " ", t(`reg_${name}`)),
      h("span", { "data-register": name }, text[i])]);
    put(this.registers, table(t("registers"), [t("register"), t("value")], rows),
      h("p", { class: "note" }, t("read_at", { time: f.moment(registers.time) })));
  }

  drawConnection() {
    const d = this.detail;
    const status = statusWords(d.status ?? 0).join(", ") || t("status_ok");
    const rows = [d.online && d.online_since
      ? ["online_since", f.momentSeconds(d.online_since)]
      : ["offline_since", f.momentSeconds(d.last_seen)],
    ["connection_number", f.number(d.connection)], ["boots", f.number(d.boot_count)],
    ["reset_cause", f.number(d.reset_cause)], ["epoch", f.number(d.epoch)],
    ["identity", d.identity ?? "–"], ["status_word", status]];
    put(this.connection, rows.map(([name, value]) => {
      const one = fact(t(name));
      setText(one.value, value);
      return one.element;
    }));
  }

  drawStreams() {
    const { streams } = this.detail;
    if (!streams?.length) {
      put(this.streams, h("p", { class: "note" }, t("no_streams")));
      return;
    }
    const rows = streams.map((one) => {
      const name = t(`stream_${one.stream}`);
      return [name.startsWith("stream_") ? one.name : name,
        ...["first", "last", "stored"].map((key) => f.number(one[key])),
        h("span", { class: one.missing ? "alert" : "" }, f.number(one.missing)),
        f.number(one.duplicates)];
    });
    const heads = ["stream", "first", "last", "stored", "missing", "duplicates"]
      .map((key) => t(key));
    put(this.streams, scroller(t("streams"), table(t("streams"), heads, rows)));
  }

  age() {
    const meter = store.meter(this.id) ?? this.detail;
    if (!meter) return;
    setState(this.chip, store.state(meter));
    if (this.detail && this.time) {
      const active = this.detail.latest?.active?.reduce((a, b) => a + b, 0) ?? null;
      this.drawTime(this.detail.latest?.time, active);
    }
  }
}

function panel(title, ...content) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, title)),
    content);
}
