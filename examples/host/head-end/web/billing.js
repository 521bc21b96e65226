// The billing periods of one meter, newest first: registers, what each period used, and what the
// signature is worth.

import { api } from "./api.js";
import { h, put, scroller, table } from "./dom.js";
import * as f from "./format.js";
import { t } from "./text.js";

const PAGE = 24;
const ALARMS = ["wrong", "missing"];

export class BillingList {
  constructor(meter) {
    this.meter = meter;
    this.body = h("div", { id: "billing" });
    this.alarm = h("p", { class: "alert", id: "billing-alarm", role: "alert", hidden: true });
    this.element = h("section", { class: "panel" },
      h("div", { class: "panel-head" }, h("h2", null, t("billing")),
        h("a", { class: "button quiet", href: api.billingCsv(meter), download: true,
          id: "billing-csv" }, t("csv"))),
      this.alarm, this.body);
  }

  /** Asks again when a record came, or a signature was looked at. */
  async refresh(detail) {
    const stored = detail.streams.filter((stream) => stream.stream === 3)
      .map((stream) => `${stream.epoch}/${stream.stored}`);
    const key = `${stored.join(" ")}|${detail.unproven}`;
    if (key === this.shown) return;
    const periods = await api.billing(this.meter, PAGE).catch(() => null);
    if (!periods) return;
    this.alarm.hidden = !detail.unproven;
    put(this.alarm, detail.unproven ? t("unproven_alarm", { n: detail.unproven }) : null);
    this.draw(periods);
    // One that nobody has looked at yet is asked for again.
    this.shown = periods.some((period) => period.signature === null) ? null : key;
  }

  draw(periods) {
    if (!periods.length) {
      put(this.body, h("p", { class: "note" }, t("no_billing")));
      return;
    }
    const heads = ["period_end", "rate", "import", "used", "exported", "demand", "signature"];
    put(this.body, scroller(t("billing"),
      table(t("billing"), heads.map((head) => t(head)), periods.flatMap(rowsOf))));
  }
}

/** A row over all rates, and below it one for each. */
function rowsOf(period) {
  const { used } = period;
  const several = used && used.periods > 1 ? ` (${t("periods", { n: used.periods })})` : "";
  const over = period.rates.find((rate) => rate.rate === 0);
  const rates = period.rates.filter((rate) => rate.rate !== 0);
  return [
    [f.moment(period.time), t("rate_all"), f.energy(period.import),
      f.energy(used?.import) + several, f.energy(period.export), demand(over), proof(period)],
    ...rates.map((rate) => ["", String(rate.rate), f.energy(rate.import),
      f.energy(rate.used.import), f.energy(rate.export), demand(rate), ""]),
  ];
}

function demand(rate) {
  if (!rate || rate.demand === null) return "–";
  return `${f.power(rate.demand * 10)} · ${f.moment(rate.demand_time)}`;
}

function proof({ signature, key }) {
  const words = t(`proof_${signature ?? "open"}`);
  const named = key !== null && signature !== "unsigned" ? ` (${t("key", { n: key })})` : "";
  return h("span", { class: ALARMS.includes(signature) ? "alert" : "",
    "data-proof": signature ?? "open" }, words + named);
}
