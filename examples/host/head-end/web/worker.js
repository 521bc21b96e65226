// All talk with the server. In a worker for two reasons: large answers are parsed off the page's
// thread, and a server that is away fills the page's console with nothing.

const FIRST_DELAY = 500;
const LAST_DELAY = 5000;
const TIMEOUT = 20000;
let delay = FIRST_DELAY;

function connect() {
  const source = new EventSource("/api/live");
  source.onopen = () => {
    delay = FIRST_DELAY;
    postMessage({ kind: "up" });
  };
  for (const name of ["summary", "reading", "status"]) {
    source.addEventListener(name, (event) => deliver(name, event.data));
  }
  source.onerror = () => {
    source.close();
    postMessage({ kind: "down" });
    setTimeout(connect, delay);
    delay = Math.min(delay * 1.6, LAST_DELAY);
  };
}

function deliver(name, data) {
  try {
    postMessage({ kind: "event", name, data: JSON.parse(data) });
  } catch {
    postMessage({ kind: "malformed", name });
  }
}

async function request({ id, path }) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT) });
    const body = await response.json().catch(() => null);
    if (body === null) throw new Error("malformed");
    postMessage({ kind: "answer", id, status: response.status, body });
  } catch {
    postMessage({ kind: "answer", id, status: 0, body: null });
  }
}

onmessage = (message) => request(message.data);
connect();
