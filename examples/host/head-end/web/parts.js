// Pieces that both views show: the state of a meter, a big figure, a figure with its name.

import { h, pulse, put, setText } from "./dom.js";
import { traceSpark } from "./spark.js";
import { t } from "./text.js";

const SHAPES = { online: "●", stale: "◐", offline: "○", new: "◌" };

/** The state by colour, by shape and by word. */
export function stateChip(state) {
  return h("span", { class: `chip ${state}`, "data-state": state },
    h("span", { "aria-hidden": "true" }, SHAPES[state]), ` ${t(`state_${state}`)}`);
}

export function setState(holder, state) {
  if (holder.firstElementChild?.dataset.state !== state) put(holder, stateChip(state));
}

/** Sets figure and unit of a power; glows when it moved. */
export function setFigure(node, { figure, unit }) {
  if (!node.firstElementChild) {
    put(node, h("span", { class: "figure" }), h("span", { class: "unit" }));
  }
  setText(node.lastElementChild, `\u00a0${unit}`);
  if (setText(node.firstElementChild, figure)) pulse(node.firstElementChild);
}

/** A name over a value; returns the element and the node of the value. */
export function fact(name, id) {
  const value = h("dd", { id });
  return { element: h("div", { class: "fact" }, h("dt", null, name), value), value };
}

/** The last minutes of a live value. */
export function drawTrace(holder, trace) {
  put(holder, trace.length > 1 ? traceSpark(trace, t("trace")) : null,
    h("p", { class: "note" }, t(trace.length > 1 ? "trace" : "trace_empty")));
}
