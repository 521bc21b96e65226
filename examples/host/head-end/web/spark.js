// Small line drawings without axes: a day in a row of the list, the last minutes of live power.

import { svg } from "./dom.js";

const WIDTH = 200;
const HEIGHT = 48;
const PAD = 3;

/** `points` are `[x, y]`, `null` breaks the line; `from` and `to` are the edges. */
export function spark(points, from, to, label) {
  const known = points.filter(Boolean);
  const low = Math.min(0, ...known.map(([, y]) => y));
  const high = Math.max(1, ...known.map(([, y]) => y));
  const x = (value) => (((value - from) / (to - from)) * WIDTH).toFixed(1);
  const y = (value) =>
    (HEIGHT - PAD - ((value - low) / (high - low)) * (HEIGHT - 2 * PAD)).toFixed(1);
  const runs = split(points);
  const line = runs.map((run) => "M" + run.map(([a, b]) => `${x(a)} ${y(b)}`).join("L")).join("");
  const area = runs.map((run) => areaOf(run, x, y)).join("");
  return svg("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { class: "spark-area", d: area }), svg("path", { class: "spark-line", d: line }));
}

function areaOf(run, x, y) {
  const [first, last] = [run[0][0], run[run.length - 1][0]];
  return `M${x(first)} ${y(0)}L${run.map(([a, b]) => `${x(a)} ${y(b)}`).join("L")}`
    + `L${x(last)} ${y(0)}Z`;
}

function split(points) {
  const runs = [[]];
  for (const point of points) {
    if (point) runs[runs.length - 1].push(point);
    else if (runs[runs.length - 1].length) runs.push([]);
  }
  return runs.filter((run) => run.length);
}

/** The rows of a history answer as points, broken where a record is missing. */
export function daySpark(history, label) {
  const column = history.columns.indexOf("active");
  const points = [];
  let end = null;
  for (const row of history.rows) {
    const start = row[0] - history.step;
    if (end !== null && start > end) points.push(null);
    if (row[column] === null) points.push(null);
    else points.push([start, row[column]], [row[0], row[column]]);
    end = row[0];
  }
  return spark(points, history.from, history.to, label);
}

/** The trace of live values, at least 20 s wide, ending at the newest. */
export function traceSpark(trace, label) {
  const to = trace[trace.length - 1][0];
  const from = Math.min(trace[0][0], to - 20);
  return spark(trace, from, to, label);
}
