// The history chart: uPlot with gaps hatched, a cursor for keys and touch, and a table of its data.

import { h, put, setText, table } from "./dom.js";
import * as f from "./format.js";
import { statusWords, t } from "./text.js";

const HEIGHT = 300;
const LEAST_DRAG = 10;
const TOUCH_DRAG = 24;
const PAGE = 10;

export const QUANTITIES = {
  power: { title: "chart_power", unit: "W", divisor: 10, show: f.power, zero: true,
    series: [["active_max", "highest", "thin"], ["active", "mean", "area"]] },
  voltage: { title: "chart_voltage", unit: "V", divisor: 1000, show: f.voltage,
    series: [["voltage_max", "highest", "edge"], ["voltage_min", "lowest", "edge"],
      ["voltage", "mean", "line"]], bands: [{ series: [1, 2] }] },
  current: { title: "chart_current", unit: "A", divisor: 1000, show: f.current, zero: true,
    series: [["current", "mean", "area"]] },
};

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * The columns for uPlot, and for each point the row it stands for. A row is flat over its step, so
 * the area is the energy; a point of nulls stands between two rows with a hole between them.
 */
function columnsOf(history, quantity) {
  const indexes = quantity.series.map(([column]) => history.columns.indexOf(column));
  const data = [[], ...indexes.map(() => [])];
  const rowAt = [];
  const push = (time, row, index) => {
    data[0].push(time);
    indexes.forEach((at, i) => {
      const value = row?.[at] ?? null;
      data[i + 1].push(value === null ? null : value / quantity.divisor);
    });
    rowAt.push(index);
  };
  let end = null;
  history.rows.forEach((row, i) => {
    const start = row[0] - history.step;
    if (end !== null && start > end) push((start + end) / 2, null, null);
    if (end === null || start > end) push(start, row, i);
    push(row[0], row, i);
    end = row[0];
  });
  return { data, rowAt };
}

export class HistoryChart {
  constructor({ onZoom, onBack }) {
    Object.assign(this, { onZoom, onBack, plot: null, at: null });
    this.readout = h("p", { class: "readout", id: "chart-readout" });
    this.unit = h("span", { class: "unit-corner", "aria-hidden": "true" });
    this.says = h("p", { class: "sr", id: "chart-say", "aria-live": "polite" });
    this.box = h("div", { id: "chart", class: "plot", tabindex: "0", role: "application",
      "aria-describedby": "chart-help", onkeydown: (event) => this.key(event) });
    this.element = h("div", { class: "chart-wrap" }, this.readout, this.unit, this.box, this.says,
      h("p", { id: "chart-help", class: "sr" }, t("chart_help")));
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.box);
    this.repaint = () => this.history && this.create();
    window.addEventListener("themechange", this.repaint);
  }

  destroy() {
    this.observer.disconnect();
    window.removeEventListener("themechange", this.repaint);
    this.plot?.destroy();
  }

  show(history, name) {
    const same = this.plot && this.name === name;
    const length = (one) => one && one.to - one.from;
    const pointed = same && length(this.history) === length(history) ? this.pointedTime() : null;
    this.history = history;
    this.name = name;
    this.quantity = QUANTITIES[name];
    this.box.setAttribute("aria-label", t(this.quantity.title));
    Object.assign(this, columnsOf(history, this.quantity));
    if (same) this.plot.setData(this.data);
    else this.create();
    this.plot.setCursor({ left: -10, top: -10 }, false);
    const row = pointed === null ? -1 : history.rows.findIndex(([time]) => time === pointed);
    this.tell(null);
    this.point(row, false);
  }

  pointedTime() {
    return this.history.rows[this.at]?.[0] ?? null;
  }

  resize() {
    const width = this.box.clientWidth;
    if (this.plot && width && width !== this.plot.width) {
      this.plot.setSize({ width, height: HEIGHT });
    }
  }

  create() {
    this.plot?.destroy();
    this.plot = new globalThis.uPlot(this.options(), this.data, this.box);
    this.touch(this.plot.over);
    this.plot.over.addEventListener("dblclick", () => this.onBack());
    this.plot.over.addEventListener("mouseleave", () => this.tell(null));
  }

  options() {
    const axis = { stroke: color("--ink-2"), grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: this.box.clientWidth || 300, height: HEIGHT, padding: [14, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => null }, points: { size: 7 } },
      scales: { x: { range: () => [this.history.from, this.history.to] },
        y: { range: (plot, low, high) => this.range(low, high) } },
      axes: [
        { ...axis, space: 70, size: 42, values: (plot, at, i, space, step) => ticks(at, step) },
        { ...axis, size: 52, values: (plot, at, i, space, step) => this.levels(at, step) }],
      series: [{}, ...this.quantity.series.map(([, , style]) => stroke(style))],
      bands: (this.quantity.bands ?? []).map((band) => ({ ...band, fill: color("--accent-soft") })),
      hooks: { drawAxes: [(plot) => this.hatch(plot)], setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.moved(plot)] },
    };
  }

  range(low, high) {
    if (low === null || high === null) return [0, 1];
    if (this.quantity.zero) {
      const span = Math.max(high, 0) - Math.min(low, 0) || 1;
      return [low < 0 ? low - span * 0.06 : 0, Math.max(high, 0) + span * 0.08];
    }
    const pad = Math.max((high - low) * 0.12, 0.5);
    return [low - pad, high + pad];
  }

  levels(values, step) {
    const kilo = this.quantity.unit === "W" && Math.max(...values.map(Math.abs)) >= 1000;
    setText(this.unit, kilo ? "kW" : this.quantity.unit);
    const divisor = kilo ? 1000 : 1;
    const digits = Math.max(0, Math.ceil(-Math.log10(step / divisor) - 1e-9));
    return values.map((value) => f.number(value / divisor, digits));
  }

  hatch(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [from, to] of this.history.missing) {
      const left = plot.valToPos(from, "x", true);
      const right = Math.max(plot.valToPos(to, "x", true), left + 2);
      stripes(ctx, left, right, bbox);
    }
    ctx.restore();
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width >= LEAST_DRAG) {
      const from = plot.posToVal(left, "x");
      const to = plot.posToVal(left + width, "x");
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      this.onZoom(Math.floor(from), Math.ceil(to));
    }
  }

  /** uPlot hears the mouse only: a finger that moves sideways selects, one that rests points. */
  touch(over) {
    let start = null;
    const left = (event) => event.clientX - over.getBoundingClientRect().left;
    over.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse") start = left(event);
    });
    over.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const [from, to] = [Math.min(start, left(event)), Math.max(start, left(event))];
      this.plot.setCursor({ left: left(event), top: 10 });
      const size = { left: from, width: to - from, top: 0, height: over.clientHeight };
      this.plot.setSelect(size, false);
    });
    over.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const moved = Math.abs(left(event) - start);
      start = null;
      if (moved >= TOUCH_DRAG) this.select(this.plot);
      else this.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    });
    over.addEventListener("pointercancel", () => {
      start = null;
      this.plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    });
  }

  moved(plot) {
    const index = plot.cursor.left < 0 ? null : plot.cursor.idx;
    this.tell(index === null || index === undefined ? null : this.rowAt[index]);
  }

  tell(row, aloud) {
    this.at = row;
    const text = row === null ? this.whole() : this.words(this.history.rows[row]);
    setText(this.readout, text);
    if (aloud) setText(this.says, text);
  }

  words(row) {
    const value = (column) => row[this.history.columns.indexOf(column)];
    const figures = this.quantity.series.toReversed()
      .map(([column, word]) => `${t(word)} ${this.quantity.show(value(column))}`);
    const time = f.interval(row[0] - this.history.step, row[0]);
    return [time, ...figures, ...statusWords(value("status") ?? 0)].join(" · ");
  }

  whole() {
    if (!this.history?.rows.length) return "";
    const { columns, rows } = this.history;
    const all = (column) => rows.map((row) => row[columns.indexOf(column)])
      .filter((value) => value !== null);
    const words = this.quantity.series.toReversed().map(([column, word]) => {
      const values = all(column);
      if (!values.length) return null;
      const value = word === "mean" ? values.reduce((a, b) => a + b, 0) / values.length
        : values.reduce(word === "lowest" ? minimum : maximum);
      return `${t(word)} ${this.quantity.show(value)}`;
    });
    return [f.interval(this.history.from, this.history.to), ...words.filter(Boolean)].join(" · ");
  }

  key(event) {
    const last = this.history.rows.length - 1;
    const at = this.at ?? last + 1;
    const by = event.shiftKey ? PAGE : 1;
    const moves = { ArrowLeft: at - by, ArrowRight: Math.min(at, last) + by, Home: 0, End: last };
    if (event.key in moves) this.point(Math.max(0, Math.min(last, moves[event.key])), true);
    else if (event.key === "+" || event.key === "=") this.zoomAround(this.at, 0.25);
    else if (event.key === "-") this.zoomAround(this.at, 1);
    else if (event.key === "Escape" || event.key === "Backspace") this.onBack();
    else return;
    event.preventDefault();
  }

  point(row, aloud) {
    const index = this.rowAt.lastIndexOf(row);
    if (row < 0 || index < 0) return;
    const left = this.plot.valToPos(this.data[0][index], "x");
    this.plot.setCursor({ left: Math.min(left, this.plot.over.clientWidth - 1), top: 10 }, false);
    this.tell(row, aloud);
  }

  zoomAround(row, reach) {
    const { from, to, rows } = this.history;
    const middle = rows[row]?.[0] ?? (from + to) / 2;
    const half = (to - from) * reach;
    if (half * 2 >= 60) this.onZoom(Math.floor(middle - half), Math.ceil(middle + half));
  }

  table() {
    const value = (row, column) => row[this.history.columns.indexOf(column)];
    const series = this.quantity.series.toReversed();
    const rows = this.history.rows.map((row) => [
      f.interval(row[0] - this.history.step, row[0]),
      ...series.map(([column]) => this.quantity.show(value(row, column))),
      statusWords(value(row, "status") ?? 0).join(", ")]);
    const heads = [t("interval"), ...series.map(([, word]) => t(word)), t("status")];
    return table(t(this.quantity.title), heads, rows);
  }
}

const maximum = (a, b) => Math.max(a, b);
const minimum = (a, b) => Math.min(a, b);

function stroke(style) {
  const paths = globalThis.uPlot.paths.stepped({ align: -1 });
  const line = { stroke: color("--accent"), width: 2 };
  const base = { paths, spanGaps: false, points: { show: false } };
  if (style === "area") return { ...base, ...line, fill: color("--accent-wash") };
  if (style === "line") return { ...base, ...line };
  return { ...base, stroke: color(style === "thin" ? "--accent-thin" : "--accent-soft"), width: 1 };
}

function ticks(times, step) {
  if (step >= 28 * 86400) return times.map(f.month);
  if (step >= 86400) return times.map(f.dayOfMonth);
  let last = "";
  return times.map((time) => {
    const day = f.dayOfMonth(time);
    const text = day === last ? f.clock(time) : `${f.clock(time)}\n${day}`;
    last = day;
    return text;
  });
}

function stripes(ctx, left, right, { top, height }) {
  const gap = 8 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, right - left, height);
  ctx.clip();
  ctx.fillStyle = color("--hatch-ground");
  ctx.fillRect(left, top, right - left, height);
  ctx.strokeStyle = color("--hatch");
  ctx.lineWidth = devicePixelRatio;
  for (let x = left - height; x < right; x += gap) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.fillStyle = color("--ink-2");
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  if (right - left > 84 * devicePixelRatio) {
    label(ctx, t("no_record"), (left + right) / 2, top + height / 2);
  }
  ctx.restore();
}

function label(ctx, text, x, y) {
  const width = ctx.measureText(text).width + 14 * devicePixelRatio;
  ctx.fillStyle = color("--panel");
  ctx.fillRect(x - width / 2, y - 11 * devicePixelRatio, width, 22 * devicePixelRatio);
  ctx.fillStyle = color("--ink-2");
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y);
}
