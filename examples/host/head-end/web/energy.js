// Energy of each part of a span, from the readings of a register. The parts add up to the whole,
// a gap makes no energy, and a register that steps back makes no negative part.

const HOUR = 3600;

/** The parts that suit a span: their name, and the width of the readings wanted for them. */
export function partsFor(from, to) {
  const span = to - from;
  if (span <= 3 * HOUR) return { name: "quarter", want: 900 };
  if (span <= 50 * HOUR) return { name: "hour", want: 900 };
  if (span <= 63 * 24 * HOUR) return { name: "day", want: 900 };
  return { name: "month", want: HOUR };
}

const seconds = (date) => Math.floor(date.getTime() / 1000);

function floorTo(time, name) {
  if (name === "quarter") return Math.floor(time / 900) * 900;
  const date = new Date(time * 1000);
  date.setMinutes(0, 0, 0);
  if (name !== "hour") date.setHours(0);
  if (name === "month") date.setDate(1);
  return seconds(date);
}

function next(time, name) {
  if (name === "quarter") return time + 900;
  if (name === "hour") return time + HOUR;
  const date = new Date(time * 1000);
  if (name === "day") date.setDate(date.getDate() + 1);
  else date.setMonth(date.getMonth() + 1);
  return seconds(date);
}

/**
 * Edges in local time from the start to the end of the span, both moved outwards to a whole `grain`
 * of seconds: the outermost parts may be cut. A day of a clock change has 23 or 25 hours.
 */
export function edgesOf(from, to, name, grain) {
  const end = Math.ceil(to / grain) * grain;
  const edges = [Math.floor(from / grain) * grain];
  let edge = next(floorTo(edges[0], name), name);
  for (; edge < end; edge = next(edge, name)) edges.push(edge);
  edges.push(end);
  return edges;
}

function indexOf(edges, time) {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Parts `{ from, to, count, energy }`. What two readings next to each other differ by belongs to
 * the part around their middle. A difference across a gap that touches several parts joins them:
 * how it divides is not known. A part without any reading has the energy `null`.
 */
export function energyParts(history, edges, column) {
  const index = history.columns.indexOf(column);
  const readings = history.rows.filter((row) => row[index] !== null);
  const parts = edges.slice(1).map((to, i) => ({ from: edges[i], to, count: 1, energy: null }));
  for (let i = 1; i < readings.length; i++) {
    const [before, after] = [readings[i - 1], readings[i]];
    const middle = (before[0] + after[0]) / 2;
    const bridged = after[0] - before[0] > history.step;
    const first = indexOf(edges, bridged ? before[0] : middle);
    const last = indexOf(edges, bridged ? after[0] - 1 : middle);
    const outside = middle < edges[0] || middle >= edges[edges.length - 1];
    if (!outside) book(parts, first, last, Math.max(0, after[index] - before[index]));
  }
  return parts.filter((part, i) => parts.indexOf(part) === i);
}

function book(parts, first, last, difference) {
  const end = Math.min(last, parts.length - 1);
  let part = parts[first];
  for (let i = first + 1; i <= end; i++) {
    const other = parts[i];
    if (other === part) continue;
    part = { from: part.from, to: other.to, count: part.count + other.count,
      energy: part.energy === null && other.energy === null
        ? null : (part.energy ?? 0) + (other.energy ?? 0) };
    parts.forEach((old, at) => {
      if (old.from >= part.from && old.to <= part.to) parts[at] = part;
    });
  }
  part.energy = (part.energy ?? 0) + difference;
}

export const total = (parts) => parts.reduce((all, part) => all + (part.energy ?? 0), 0);
