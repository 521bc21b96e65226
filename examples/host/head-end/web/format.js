// Figures as a reader wants them, from the integers of the wire. Nothing is rounded before here.

import { language, t } from "./text.js";

const NONE = "–";
const cache = new Map();

export function locale() {
  const system = navigator.language ?? "en";
  if (system.startsWith(language())) return system;
  return language() === "it" ? "it-IT" : "en-GB";
}

function formatter(kind, options) {
  const key = `${kind.name}|${locale()}|${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new kind(locale(), options));
  return cache.get(key);
}

export function number(value, digits = 0) {
  if (value === null || value === undefined) return NONE;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return formatter(Intl.NumberFormat, options).format(value);
}

/** A figure and its unit apart, so that they can be set in different sizes. */
const pair = (value, unit, digits) => ({ figure: number(value, digits), unit });

export const join = ({ figure, unit }) => (figure === NONE ? NONE : `${figure}\u00a0${unit}`);

export function powerParts(deciwatts, unit = "W") {
  if (deciwatts === null || deciwatts === undefined) return { figure: NONE, unit: "" };
  if (Math.abs(deciwatts) < 10000) return pair(deciwatts / 10, unit, 1);
  if (Math.abs(deciwatts) < 10000000) return pair(deciwatts / 10000, `k${unit}`, 3);
  return pair(deciwatts / 10000000, `M${unit}`, 3);
}

export const power = (deciwatts) => join(powerParts(deciwatts));
export const reactive = (decivars) => join(powerParts(decivars, "var"));

const scaled = (value, divisor, unit, digits) =>
  value === null || value === undefined ? NONE : join(pair(value / divisor, unit, digits));

export const energy = (wattHours, unit = "Wh") => scaled(wattHours, 1000, `k${unit}`, 3);
export const voltage = (millivolts) => scaled(millivolts, 1000, "V", 1);
export const current = (milliamps) => scaled(milliamps, 1000, "A", 2);
export const frequency = (millihertz) => scaled(millihertz, 1000, "Hz", 2);
export const factor = (thousandths) =>
  thousandths === null || thousandths === undefined ? NONE : number(thousandths / 1000, 3);

/** The last second of the year 9999: what is later, and no clock said, would stop the page. */
const LATEST = 253402300799;
const date = (seconds, options) =>
  seconds && seconds <= LATEST ? formatter(Intl.DateTimeFormat, options).format(seconds * 1000) : NONE;

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { day: "numeric", month: "short" };

export const clock = (s) => date(s, CLOCK);
export const clockSeconds = (s) => date(s, { ...CLOCK, second: "2-digit" });
export const day = (s) => date(s, { weekday: "short", ...DAY });
export const dayOfMonth = (s) => date(s, DAY);
export const month = (s) => date(s, { month: "short", year: "numeric" });
export const moment = (s) => date(s, { ...DAY, year: "numeric", ...CLOCK });
export const momentSeconds = (s) =>
  date(s, { ...DAY, year: "numeric", ...CLOCK, second: "2-digit" });

const sameDay = (a, b) => new Date(a * 1000).toDateString() === new Date(b * 1000).toDateString();

export function interval(from, to) {
  if (sameDay(from, to - 1)) return `${day(from)}, ${clock(from)}–${clock(to)}`;
  return `${day(from)} ${clock(from)} – ${day(to)} ${clock(to)}`;
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A length of time in its two largest units. */
export function duration(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    if (count && parts.length < 2) {
      const options = { style: "unit", unit, unitDisplay: "short" };
      parts.push(formatter(Intl.NumberFormat, options).format(count));
    }
    left -= count * size;
  }
  return parts.join(" ") || formatter(Intl.NumberFormat,
    { style: "unit", unit: "second", unitDisplay: "short" }).format(0);
}

/** "12 s ago". The text moves in steps of its unit, so that a page at rest is at rest. */
export function ago(seconds, now = Date.now() / 1000) {
  if (!seconds) return t("never");
  const age = now - seconds;
  const relative = formatter(Intl.RelativeTimeFormat, { style: "short", numeric: "auto" });
  if (age < 5) return t("just_now");
  if (age < 60) return relative.format(-Math.floor(age / 5) * 5, "second");
  if (age < 3600) return relative.format(-Math.floor(age / 60), "minute");
  if (age < 172800) return relative.format(-Math.floor(age / 3600), "hour");
  return relative.format(-Math.floor(age / 86400), "day");
}
