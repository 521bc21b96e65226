// The routes of API.md. Every call waits while the server is away and repeats what was cut off.

import { live } from "./live.js";

const RETRIES = 3;
const PAUSE = 1000;

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE));

async function get(path) {
  for (let attempt = 0; ; attempt++) {
    await live.whenUp();
    const { status, body } = await live.request(path);
    if (status >= 200 && status < 300) return body;
    const passing = status === 0 || status === 503;
    if (!passing || attempt === RETRIES) throw new ApiError(status, body?.error ?? "");
    await pause();
  }
}

const at = (meter, rest = "") => `/api/meters/${encodeURIComponent(meter)}${rest}`;

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given).toString();
}

export const api = {
  meters: () => get("/api/meters"),
  summary: () => get("/api/summary"),
  meter: (meter) => get(at(meter)),
  history: (meter, from, to, points) =>
    get(at(meter, `/history?${query({ from, to, points })}`)),
  /** The newest events, or those older than the event `last`. */
  events: (meter, limit, last) => get(at(meter,
    `/events?${query({ before: last?.time, seq: last?.seq, epoch: last?.epoch, limit })}`)),
  billing: (meter, limit) => get(at(meter, `/billing?${query({ limit })}`)),
  billingCsv: (meter) => at(meter, "/billing.csv"),
  csv: (meter, from, to) => at(meter, `/records.csv?${query({ from, to })}`),
};
