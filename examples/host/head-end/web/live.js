// The page's side of the worker: live events, and whether the server is there.

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const listeners = new Map();
const answers = new Map();
let nextId = 1;
let state = "connecting";

function emit(name, data) {
  for (const listener of listeners.get(name) ?? []) listener(data);
}

function setState(next) {
  if (state === next) return;
  state = next;
  emit("state", state);
}

worker.onmessage = ({ data: message }) => {
  if (message.kind === "up") setState("up");
  if (message.kind === "down") setState("down");
  if (message.kind === "event") emit(message.name, message.data);
  if (message.kind === "answer") {
    answers.get(message.id)?.(message);
    answers.delete(message.id);
  }
};

export const live = {
  /** `connecting`, `up` or `down`. */
  get state() {
    return state;
  },

  /** Calls `listener` for each `summary`, `reading`, `status` or `state`; returns the way out. */
  on(name, listener) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(listener);
    return () => listeners.get(name).delete(listener);
  },

  /** Resolves as soon as the server is there. */
  whenUp() {
    if (state === "up") return Promise.resolve();
    return new Promise((resolve) => {
      const off = live.on("state", (next) => {
        if (next !== "up") return;
        off();
        resolve();
      });
    });
  },

  /** One request by the worker; status 0 means that no usable answer came. */
  request(path) {
    return new Promise((resolve) => {
      const id = nextId++;
      answers.set(id, resolve);
      worker.postMessage({ id, path });
    });
  },
};
