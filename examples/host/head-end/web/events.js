// The events of one meter, newest first, in words, further pages on demand.

import { api } from "./api.js";
import { h, put, table } from "./dom.js";
import * as f from "./format.js";
import { eventName, t } from "./text.js";

const PAGE = 10;

export class EventList {
  constructor(meter) {
    this.meter = meter;
    this.known = new Map();
    this.body = h("div", { id: "events" });
    this.more = h("button", { type: "button", class: "quiet more", hidden: true,
      onclick: () => this.older() }, t("older"));
    this.element = h("section", { class: "panel" },
      h("div", { class: "panel-head" }, h("h2", null, t("events"))), this.body, this.more);
  }

  async refresh() {
    const page = await api.events(this.meter, PAGE).catch(() => null);
    if (!page) return;
    this.take(page);
    if (this.known.size === page.length) this.more.hidden = page.length < PAGE;
  }

  async older() {
    const page = await api.events(this.meter, PAGE, this.sorted().at(-1)).catch(() => null);
    if (!page) return;
    this.take(page);
    this.more.hidden = page.length < PAGE;
  }

  take(page) {
    const before = this.known.size;
    for (const event of page) this.known.set(`${event.epoch}/${event.seq}`, event);
    if (this.known.size > before || !this.body.firstChild) this.draw();
  }

  sorted() {
    return [...this.known.values()]
      .sort((a, b) => b.time - a.time || b.seq - a.seq || b.epoch - a.epoch);
  }

  draw() {
    const all = this.sorted();
    if (!all.length) {
      put(this.body, h("p", { class: "note" }, t("no_events")));
      return;
    }
    const rows = all.map((event) => [f.momentSeconds(event.time), eventName(event),
      event.detail === null || event.detail === undefined ? "" : String(event.detail)]);
    put(this.body, table(t("events"), [t("time"), t("event"), t("detail")], rows));
  }
}
