// Every word on the page, in English; `text-it.js` is its Italian twin with the same keys.

import { it } from "./text-it.js";

const en = {
  title: "Meters",
  skip: "Skip to content",
  home: "All meters",
  theme: "Theme", theme_auto: "Auto", theme_light: "Light", theme_dark: "Dark",
  language: "Language",
  live: "Live", connecting: "Connecting", offline_page: "No connection",
  lost: "Connection to the server lost, retrying. Values below are the last ones received.",
  loading: "Loading",
  never: "never", just_now: "just now",
  total: "Power now, all meters on line",
  at_time: "at {time}",
  trace: "Last minutes", trace_empty: "The trace begins with the next values.",
  on_line: "On line", records: "Records", gaps: "Missing records", duplicates: "Sent twice",
  refused: "Refused", unproven: "Bad signatures",
  of: "{n} of {all}",
  meters: "Meters", find: "Find a meter", find_hint: "Number, hardware or state",
  meter: "Meter", state: "State", power: "Power", last_day: "Last 24 hours",
  import: "Import", last_seen: "Last seen", missing: "Missing",
  more: "Show {n} more",
  none_yet: "No meter has spoken yet. One appears here with its first message.",
  none_found: "No meter fits this search.",
  state_online: "On line", state_stale: "Late", state_offline: "Off line",
  state_new: "No records yet",
  phases: { one: "single phase", other: "{n} phases" },
  hardware: "Hardware", firmware: "Firmware",
  power_now: "Power now", waiting: "waiting for a value",
  exporting: "feeding into the grid",
  stale_value: "This value is old.",
  phase: "Phase", voltage: "Voltage", current: "Current", active: "Active power",
  reactive: "Reactive power", power_factor: "Power factor", frequency: "Frequency",
  instant: "Momentary values",
  history: "History", quantity: "Quantity", span: "Span",
  hour: "Hour", day: "Day", week: "Week", month: "Month", all: "All",
  from: "From", to: "To", show: "Show", back: "Zoom out", csv: "Export CSV",
  bad_span: "The end must be after the start.",
  chart_power: "Power over time", chart_voltage: "Voltage over time",
  chart_current: "Current over time",
  chart_help: "Drag to zoom, double-click to step back. Keys: arrows move the cursor, plus and "
    + "minus "
    + "zoom, Escape steps back.",
  mean: "mean", highest: "highest", lowest: "lowest",
  interval: "Interval", status: "Status",
  as_table: "Show as table", as_chart: "Hide table",
  no_record: "no record",
  gaps_in_span: { one: "1 gap, {time} without a record",
    other: "{n} gaps, {time} without a record" },
  gapless: "No gap", rows_of: "{rows} rows of {step}",
  empty_span: "No record in this span.", newest: "Newest record: {time}.", go_there: "Go there",
  energy: "Energy", by_quarter: "by quarter-hour",
  by_hour: "by hour", by_day: "by day", by_month: "by month",
  energy_total: "{import} imported", energy_export: "{export} exported",
  energy_rule: "Differences of the registers: the bars add up to the total. Energy over a gap is "
    + "known as a sum only and shown hatched.",
  energy_coarse: "Readings {step} apart: the edges of the bars are off by up to that much.",
  energy_chart: "Energy", energy_help: "Arrow keys move between bars, Enter opens one.",
  shared: "over a gap, known as a sum only", imported: "Imported", exported: "Exported",
  times_in: "Times in {zone}",
  registers: "Registers", register: "Register", value: "Value",
  reg_import: "Active energy import", reg_export: "Active energy export",
  reg_reactive_import: "Reactive energy import", reg_reactive_export: "Reactive energy export",
  read_at: "Read at {time}", no_registers: "No register read yet.",
  billing: "Billing periods", period_end: "End of period", rate: "Rate", rate_all: "all",
  used: "Used", demand: "Maximum demand", signature: "Signature",
  no_billing: "No billing period has ended yet.", key: "key {n}",
  periods: { one: "1 period", other: "{n} periods" },
  proof_valid: "valid", proof_unsigned: "not signed", proof_unknown_key: "key not known",
  proof_wrong: "wrong", proof_missing: "missing", proof_open: "not verified yet",
  unproven_alarm: { one: "1 billing record is no evidence: its signature is wrong or missing.",
    other: "{n} billing records are no evidence: their signatures are wrong or missing." },
  events: "Events", time: "Time", event: "Event", detail: "Detail", no_events: "No events.",
  older: "Older events",
  connection: "Connection", online_since: "On line since", offline_since: "Last heard",
  connection_number: "Connection number", boots: "Boots", reset_cause: "Cause of last reset",
  epoch: "Epoch", identity: "Card (ICCID)",
  status_word: "Status of the meter", status_ok: "nothing to report",
  streams: "Streams", stream: "Stream", first: "First", last: "Last", stored: "Stored",
  stream_1: "reading", stream_2: "profile", stream_3: "billing", stream_4: "event",
  stream_5: "diagnostic",
  no_streams: "Nothing stored yet.",
  no_meter: "There is no meter {meter}.",
  failed: "The server could not answer: {error}",
  try_again: "Try again",
  foot: "head-end {version}",
};

const words = { en, it };

export const languages = ["en", "it"];
let chosen = pick();

function pick() {
  const remembered = localStorage.getItem("language");
  if (languages.includes(remembered)) return remembered;
  const wanted = (navigator.languages ?? []).map((name) => name.slice(0, 2));
  return wanted.find((name) => languages.includes(name)) ?? "en";
}

export const language = () => chosen;

export function setLanguage(name) {
  chosen = name;
  localStorage.setItem("language", name);
}

/** The text `key` with `{name}` replaced; `n` chooses between singular and plural. */
export function t(key, values = {}) {
  let text = words[chosen][key] ?? en[key] ?? key;
  if (typeof text === "object") {
    const form = new Intl.PluralRules(chosen).select(values.n);
    text = text[form] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const enEvents = {
  1: "power down", 2: "power up", 3: "daylight-saving change", 4: "clock set: old time",
  5: "clock set: new time", 6: "clock invalid", 7: "replace battery", 8: "battery low",
  9: "tariff table activated", 10: "error register cleared", 11: "alarm register cleared",
  12: "program memory error", 13: "RAM error", 14: "NV memory error", 15: "watchdog",
  16: "measurement system fault", 17: "firmware ready", 18: "firmware activated",
  40: "terminal cover opened", 41: "terminal cover closed", 42: "strong magnetic field",
  43: "magnetic field gone", 44: "meter cover opened", 45: "meter cover closed",
  46: "log-in failed several times", 47: "parameters changed", 48: "keys changed",
  49: "decryption or authentication failed", 50: "replay detected", 51: "firmware check failed",
  60: "disconnected by hand", 61: "connected by hand", 62: "disconnected remotely",
  63: "connected remotely", 64: "disconnected by the limiter", 65: "limit passed",
  66: "below the limit again", 68: "disconnector failed",
  76: "undervoltage L1", 77: "undervoltage L2", 78: "undervoltage L3",
  79: "overvoltage L1", 80: "overvoltage L2", 81: "overvoltage L3",
  82: "voltage missing L1", 83: "voltage missing L2", 84: "voltage missing L3",
  85: "voltage normal L1", 86: "voltage normal L2", 87: "voltage normal L3",
  88: "wrong phase order", 89: "neutral missing", 90: "phase asymmetry", 91: "current reversed",
  254: "load profile cleared", 255: "event log cleared",
  256: "connected to the broker after an outage", 257: "connection refused",
  258: "records lost to a full store", 259: "store repaired", 260: "epoch changed",
  261: "SIM profile changed", 262: "metering IC resync", 263: "reset", 264: "update started",
  265: "update block failed its check", 266: "update verified, swap asked",
  267: "update confirmed", 268: "update rolled back", 269: "image refused: older counter",
  270: "image refused: wrong device or signature", 271: "calibration changed",
};
const codes = { en: enEvents, it: it.events_by_code };

/** An event in words; an unknown code keeps the server's name and its number. */
export const eventName = ({ code, name }) =>
  codes[chosen][code] ?? codes.en[code] ?? `${name ?? "?"} (${code})`;

const bits = {
  en: ["clock not set", "clock adjusted", "estimated or partial interval", "power failed",
    "metering IC fault or resync", "calibration not valid", "configuration changed",
    "cover open or tamper latched", "disconnector open", "disconnector armed",
    "phase L1 missing", "phase L2 missing", "phase L3 missing", "phase order wrong",
    "current reversed", "register overflow", "storage nearly full", "records were lost",
    "firmware trial running", "battery low", "test mode"],
  it: it.status_bits,
};

/** The bits of a status word in words, empty for 0. */
export function statusWords(status) {
  const names = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((status >>> bit) & 1) names.push(bits[chosen][bit] ?? `bit ${bit}`);
  }
  return names;
}
