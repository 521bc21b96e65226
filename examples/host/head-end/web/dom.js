// Small helpers to build elements. No markup is ever made from text of the server.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Replaces the children of `node`. */
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child != null));
  return node;
}

/** Sets a text only when it differs; says whether it did. */
export function setText(node, text) {
  if (node.textContent === text) return false;
  node.textContent = text;
  return true;
}

/** Lets a changed value glow for a moment; the style sheet stills it under reduced motion. */
export function pulse(node) {
  node.classList.remove("pulse");
  void node.offsetWidth;
  node.classList.add("pulse");
}

/** A table with a caption for screen readers; `rows` are lists of texts or nodes. */
export function table(caption, heads, rows, props) {
  const head = heads.map((text) => h("th", { scope: "col" }, text));
  const body = rows.map((row) =>
    h("tr", null, row.map((cell, i) => h(i ? "td" : "th", i ? null : { scope: "row" }, cell))));
  return h("table", props, h("caption", { class: "sr" }, caption),
    h("thead", null, h("tr", null, head)), h("tbody", null, body));
}

/** A box that scrolls by itself and can therefore be reached by keyboard. */
export function scroller(label, ...children) {
  return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": label },
    ...children);
}
