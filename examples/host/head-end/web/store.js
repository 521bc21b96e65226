// What is known of the fleet: the list of meters, kept current by live events.

import { api } from "./api.js";
import { live } from "./live.js";

const PERIOD = 900;
const LATE_PERIODS = 3;
const LEAST_LATE = 15;
const TRACE_POINTS = 600;
const REFRESH = 30000;

const meters = new Map();
const traces = new Map();
const watchers = new Set();
let summary = null;
let loaded = false;
let loading = null;

const now = () => Date.now() / 1000;
const tell = (kind, meter) => watchers.forEach((watcher) => watcher(kind, meter));
const sum = (list) => (list?.length ? list.reduce((total, value) => total + value, 0) : null);

function remember(key, value) {
  if (value === null || value === undefined) return;
  if (!traces.has(key)) traces.set(key, []);
  const trace = traces.get(key);
  trace.push([now(), value]);
  if (trace.length > TRACE_POINTS) trace.shift();
}

async function load() {
  try {
    const [list, total] = await Promise.all([api.meters(), api.summary()]);
    for (const meter of list) meters.set(meter.meter, { ...meters.get(meter.meter), ...meter });
    summary = total;
    loaded = true;
    tell("list");
    tell("summary");
  } catch (error) {
    tell("failed", error);
  }
}

/** Loads the list; calls while one load is under way share it. */
export function refresh() {
  loading ??= load().finally(() => {
    loading = null;
  });
  return loading;
}

/** The longest pause between the last live values says when the next one is late. */
function noteArrival(meter) {
  const pauses = meter.pauses ?? [];
  if (meter.arrived) pauses.push(now() - meter.arrived);
  if (pauses.length > 4) pauses.shift();
  meter.pauses = pauses;
  meter.arrived = now();
}

live.on("reading", (reading) => {
  const meter = meters.get(reading.meter);
  if (!meter) {
    refresh();
    return;
  }
  noteArrival(meter);
  meter.last_seen = Math.max(meter.last_seen ?? 0, Math.floor(now()));
  if (reading.time < (meter.latest?.time ?? 0)) return;
  meter.latest = reading;
  meter.active_power = sum(reading.active) ?? meter.active_power;
  meter.import = reading.import ?? meter.import;
  remember(reading.meter, meter.active_power);
  tell("reading", reading.meter);
});

live.on("summary", (next) => {
  summary = next;
  remember("fleet", next.active_power);
  tell("summary");
});

live.on("status", (status) => {
  const meter = meters.get(status.meter);
  if (!meter) {
    refresh();
    return;
  }
  Object.assign(meter, { online: status.online, connection: status.connection });
  meter.last_seen = Math.max(meter.last_seen ?? 0, Math.floor(now()));
  tell("status", status.meter);
});

live.on("state", (state) => {
  if (state === "up") refresh();
});

setInterval(() => {
  if (live.state === "up" && !document.hidden) refresh();
}, REFRESH);

export const store = {
  meters: () => [...meters.values()],
  meter: (id) => meters.get(id),
  summary: () => summary,
  loaded: () => loaded,
  trace: (key) => traces.get(key) ?? [],

  /** Calls `watcher(kind, meter)` after each change; returns the way out. */
  watch(watcher) {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },

  /** `online`, `stale`, `offline` or `new`: late means three periods without a word. */
  state(meter) {
    if (!meter.online) return meter.last_seen ? "offline" : "new";
    const pause = meter.pauses?.length ? Math.max(...meter.pauses) : PERIOD;
    const late = Math.max(LEAST_LATE, LATE_PERIODS * pause);
    return now() - (meter.last_seen ?? 0) > late ? "stale" : "online";
  },
};
