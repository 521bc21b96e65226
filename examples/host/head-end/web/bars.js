// Bars of energy: import upwards, export downwards, a sum over a gap hatched over its whole width.

import { h, put, setText, svg, table } from "./dom.js";
import * as f from "./format.js";
import { t } from "./text.js";

const HEIGHT = 210;
const LEFT = 52;
const BOTTOM = 26;
const TOP = 24;
const LABEL_SPACE = 58;
const WIDEST = 64;

function niceStep(range) {
  const rough = range / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough);
}

export class EnergyBars {
  /** `onOpen(from, to)` is called when a bar is opened. */
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.chosen = null;
    this.readout = h("p", { class: "readout" });
    this.says = h("p", { class: "sr", "aria-live": "polite" });
    this.plot = h("div", { id: "energy", class: "plot bars", tabindex: "0", role: "application",
      "aria-label": t("energy_chart"), "aria-describedby": "energy-help",
      onkeydown: (event) => this.key(event), onpointerleave: () => this.choose(null) });
    this.element = h("div", { class: "chart-wrap" }, this.readout,
      h("span", { class: "unit-corner", "aria-hidden": "true" }, "kWh"), this.plot, this.says,
      h("p", { id: "energy-help", class: "sr" }, t("energy_help")));
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
  }

  /** `imported` and `exported` are parts of the same edges; `name` is hour, day or month. */
  show(imported, exported, name, whole) {
    Object.assign(this, { imported, exported, name, whole, chosen: null });
    this.draw();
    this.tell(false);
  }

  label(time) {
    if (this.name === "day") return f.dayOfMonth(time);
    return this.name === "month" ? f.month(time) : f.clock(time);
  }

  draw() {
    const width = this.plot.clientWidth;
    if (!this.imported || !width) return;
    const [from, to] = [this.imported[0].from, this.imported[this.imported.length - 1].to];
    const per = (part) => (part.energy ?? 0) / part.count;
    const high = Math.max(10, ...this.imported.map(per));
    const low = Math.max(0, ...this.exported.map(per));
    const step = niceStep(high + low);
    const [top, bottom] = [Math.ceil(high / step) * step, Math.ceil(low / step) * step];
    const x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT - 4);
    const scale = (HEIGHT - TOP - BOTTOM) / (top + bottom);
    const y = (value) => TOP + (top - value) * scale;
    put(this.plot, svg("svg", { width, height: HEIGHT, "aria-hidden": "true" }, hatch(),
      this.grid(top, bottom, step, y, width),
      this.bars(this.imported, x, y, 1), this.bars(this.exported, x, y, -1),
      this.labels(x, width), this.targets(x)));
  }

  grid(top, bottom, step, y, width) {
    const lines = [];
    const digits = Math.max(0, Math.min(3, 3 - Math.floor(Math.log10(step))));
    for (let value = -bottom; value <= top + 1e-9; value += step) {
      const text = f.number(Math.abs(value) / 1000, digits);
      lines.push(svg("line", { class: value ? "grid" : "axis", x1: LEFT, x2: width - 4,
        y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, text));
    }
    return lines;
  }

  bars(parts, x, y, sign) {
    return parts.map((part) => {
      if (part.energy === null) return sign > 0 ? this.hole(part, x) : null;
      const [left, right] = [x(part.from), x(part.to)];
      const space = Math.max(Math.min(3, (right - left) * 0.14),
        part.count === 1 ? (right - left - WIDEST) / 2 : 0);
      const [top, bottom] = [y(Math.max(0, (sign * part.energy) / part.count)),
        y(Math.min(0, (sign * part.energy) / part.count))];
      const kind = `bar${sign > 0 ? "" : " export"}${part.count > 1 ? " shared" : ""}`;
      return svg("rect", { class: kind, x: left + space, y: top,
        width: Math.max(1, right - left - 2 * space),
        height: Math.max(0, bottom - top), rx: Math.min(3, (right - left) / 6) });
    });
  }

  hole(part, x) {
    return svg("rect", { class: "hole", x: x(part.from), width: x(part.to) - x(part.from),
      y: TOP, height: HEIGHT - TOP - BOTTOM });
  }

  labels(x, width) {
    const texts = [];
    let free = LEFT - LABEL_SPACE;
    for (const part of this.imported) {
      const middle = this.name === "day" || this.name === "month"
        ? (x(part.from) + x(part.to)) / 2 : x(part.from);
      if (middle < free + LABEL_SPACE || middle > width - 22) continue;
      free = middle;
      texts.push(svg("text", { class: "tick", x: middle, y: HEIGHT - 6, "text-anchor": "middle" },
        this.label(part.from)));
    }
    return texts;
  }

  targets(x) {
    return this.imported.map((part, i) => svg("rect", {
      class: this.chosen === i ? "target on" : "target", "data-part": i,
      x: x(part.from), width: Math.max(1, x(part.to) - x(part.from)), y: 0,
      height: HEIGHT - BOTTOM,
      onpointerenter: () => this.choose(i), onclick: () => this.open(i) }));
  }

  choose(index, aloud) {
    if (!this.imported || index === this.chosen) return;
    this.chosen = index;
    for (const target of this.plot.querySelectorAll(".target")) {
      target.classList.toggle("on", Number(target.dataset.part) === index);
    }
    this.tell(aloud);
  }

  tell(aloud) {
    const part = this.imported[this.chosen];
    const text = part ? this.words(part, this.chosen) : this.whole;
    setText(this.readout, text);
    if (aloud) setText(this.says, text);
  }

  words(part, i) {
    const parts = [f.interval(part.from, part.to), this.amount(part)];
    const out = this.exported[i];
    if (out?.energy) parts.push(`${t("exported")} ${f.energy(out.energy)}`);
    if (part.count > 1) parts.push(t("shared"));
    return parts.join(" · ");
  }

  amount(part) {
    return part.energy === null ? t("no_record") : f.energy(part.energy);
  }

  open(index) {
    const part = this.imported[index];
    if (part && this.name !== "quarter") this.onOpen(part.from, part.to);
  }

  key(event) {
    const last = (this.imported?.length ?? 0) - 1;
    const at = this.chosen ?? last + 1;
    const moves = { ArrowLeft: at - 1, ArrowRight: Math.min(at, last - 1) + 1, Home: 0, End: last };
    if (event.key in moves) this.choose(Math.max(0, Math.min(last, moves[event.key])), true);
    else if (event.key === "Enter" && this.chosen !== null) this.open(this.chosen);
    else return;
    event.preventDefault();
  }

  table() {
    const rows = this.imported.map((part, i) => [f.interval(part.from, part.to),
      part.count > 1 ? `${this.amount(part)} (${t("shared")})` : this.amount(part),
      this.exported[i]?.energy === null ? f.number(null) : f.energy(this.exported[i]?.energy)]);
    return table(t("energy_chart"), [t("interval"), t("imported"), t("exported")], rows);
  }
}

function hatch() {
  return svg("defs", null, svg("pattern", { id: "hatch", width: 7, height: 7,
    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  svg("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 7 })),
  svg("pattern", { id: "hatch-bar", width: 6, height: 6,
    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  svg("line", { class: "hatch-bar", x1: 0, y1: 0, x2: 0, y2: 6 })));
}
