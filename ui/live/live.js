// One gr.HTML component that keeps its Plotly graphs alive: new data goes through Plotly.react, so zoom, scroll
// and DOM nodes survive. Gradio gives this code `element`, `props`, `watch` and `trigger`; Python gives two JSON
// strings, `props.fixed` (palette, words, quiet, late, silence) and `props.value`:
//   version   number that grows with every request; older answers are not drawn
//   key       name of what is shown ("" while there is nothing), state "empty" | "partial" | "complete" | "waiting" | "error"
//   charts    {name: {figure: {data, layout}, alt}}, colours written "@role" or "@role/opacity";
//             the schedule is {bars: {labels, values, role}, alt} and drawn by bars.js
//   slots     {name: html}, asked  what it is about, see subject.js
// or {state: "nothing"}, which changes nothing. Moves and answers: server_source.js.
const fixed = JSON.parse(props.fixed);
let newest = JSON.parse(props.value);
const memory = { value: null, drawn: {}, version: -1 };
let onPaper = false;
const isDark = () => document.body.classList.contains("dark") && !onPaper;
const palette = () => (isDark() ? fixed.palette.dark : fixed.palette.light);

function paint(value, colours) {
  if (typeof value === "string") {
    if (value[0] !== "@") return value;
    const [name, opacity] = value.slice(1).split("/");
    const hex = colours[name];
    if (!hex) throw new Error("no colour named " + name);
    if (!opacity) return hex;
    const part = (i) => parseInt(hex.slice(i, i + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${opacity})`;
  }
  if (Array.isArray(value)) return value.map((entry) => paint(entry, colours));
  if (value && typeof value === "object") {
    const painted = {};
    for (const key in value) painted[key] = paint(value[key], colours);
    return painted;
  }
  return value;
}

const graph = (name) => element.querySelector(`[data-chart="${name}"]`);
const config = { displayModeBar: false, responsive: false, doubleClick: "reset", scrollZoom: false };

function draw(name, chart) {
  const node = graph(name);
  if (!node) return;
  if (node.getAttribute("aria-label") !== chart.alt) node.setAttribute("aria-label", chart.alt);
  if (!node.clientWidth) return; // in a tab that is not open: drawn once it has a width
  if (chart.bars) return drawBars(node, chart.bars);
  if (!window.Plotly) return fetchNear("0%"); // drawn once it is fetched
  const painted = paint(withCursor(chart.figure), palette());
  if (canZoom(painted.layout)) zoomButton(node, fixed.words, redraw);
  painted.layout = withZoom(node, painted.layout);
  put(name, node, painted);
}

function drawBars(node, bars) {
  makeBars(node, bars.labels);
  setBars(node, bars.values);
  node.style.setProperty("--bar", `var(--c-${bars.role})`);
}

// Plotly writes into its arguments, so it gets a copy; a figure that is on screen already is not drawn again.
function put(name, node, figure) {
  const text = JSON.stringify(figure);
  if (memory.drawn[name] === text) return;
  const copy = JSON.parse(text);
  window.Plotly.react(node, copy.data, copy.layout, config);
  memory.drawn[name] = text;
  const sliders = figure.layout.meta && figure.layout.meta.sliders;
  if (!node.dataset.clicks) {
    node.dataset.clicks = "yes";
    node.on("plotly_click", ({ points: [point] }) => {
      if (sliders) goTo(sliders, point);
      else if (point.data.meta?.slider) goTo({ x: point.data.meta.slider }, point);
      else if (point.customdata?.link) window.lxAddress?.visit(point.customdata.link);
      else if (point.customdata) window.lxGo?.(point.customdata); // an edit: Explore goes there
    });
  }
}

// A click on a point moves the sliders of its two axes: layout.meta.sliders holds {x: id, y: id, untick: id of a
// checkbox that locks one of them}. Gradio listens to the events of the range input.
function goTo(sliders, point) {
  const held = document.querySelector(`#${sliders.untick} input[type="checkbox"]`);
  if (held && held.checked) held.click();
  for (const axis of ["x", "y"]) {
    const range = document.querySelector(`#${sliders[axis]} input[type="range"]`);
    if (!range || range.disabled) continue;
    range.value = point[axis];
    for (const name of ["input", "change", "pointerup"]) range.dispatchEvent(new Event(name, { bubbles: true }));
  }
  inSight(element);
}

// Scrolls to the top of what answers a click, if that is out of sight.
function inSight(node) {
  const { top } = node.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) node.scrollIntoView({ block: "start" });
}

function show() {
  const value = newest;
  if (value.version < memory.version) return;
  memory.version = value.version;
  memory.value = { ...value, charts: { ...(memory.value && memory.value.charts), ...value.charts } };
  for (const name in value.slots || {}) {
    const slot = element.querySelector(`[data-slot="${name}"]`), said = value.slots[name];
    // innerHTML gives quotes back in other signs: what was said is kept beside it, so that no focus is lost
    if (slot && slot.lxSaid !== said) slot.innerHTML = slot.lxSaid = said;
  }
  for (const name in value.charts || {}) {
    const node = graph(name);
    if (node) node.closest("figure").hidden = false;
    draw(name, value.charts[name]);
  }
  for (const name of value.hide || []) graph(name).closest("figure").hidden = true;
  const root = element.querySelector(".lx-live");
  root.dataset.state = value.state;
  root.dataset.key = value.key;
  root.dataset.version = value.version;
  if (value.asked && value.slots?.subject) root.dataset.asked = JSON.stringify(value.asked); // with it come numbers
  markStale();
}

function redraw() {
  const charts = (memory.value && memory.value.charts) || {};
  for (const name in charts) draw(name, charts[name]);
}

// Tabs open and phones turn: a graph is drawn as soon as it has a width, and again when that changes.
const widths = new WeakMap();
const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const node = entry.target, width = Math.round(entry.contentRect.width);
    if (widths.get(node) === width) continue;
    widths.set(node, width);
    if (!width) continue; // hidden: drawn when it is back, for Plotly or new numbers may come meanwhile
    const name = node.dataset.chart;
    if (memory.drawn[name]) window.Plotly.Plots.resize(node);
    else if (memory.value && memory.value.charts[name]) draw(name, memory.value.charts[name]);
  }
});
element.querySelectorAll("[data-chart]").forEach((node) => {
  sizes.observe(node);
  window.lxChartFiles?.add(node.closest("figure"), () => {
    const chart = memory.value && memory.value.charts[node.dataset.chart];
    return chart && { ...paint(chart, fixed.palette.light), sample: memory.value.sample };
  });
});
new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
for (const [event, now] of Object.entries({ beforeprint: true, afterprint: false }))
  window.addEventListener(event, () => {
    onPaper = now;
    redraw();
  });
// Plotly is large: it is fetched for all panels when the first one comes in sight, or, once the visitor scrolls, within
// a screen of it.
window.addEventListener("lx-plotly", redraw);
function fetchNear(rootMargin) {
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    fetchPlotly();
  }, { rootMargin }).observe(element);
}
function fetchPlotly() {
  if (document.querySelector("script[data-plotly]")) return;
  const script = Object.assign(document.createElement("script"), { src: fixed.plotly });
  script.dataset.plotly = "yes";
  script.addEventListener("load", () => window.dispatchEvent(new Event("lx-plotly")));
  script.addEventListener("error", () => {
    script.remove(); // the next answer tries again, or, where none comes any more, this panel
    setTimeout(() => window.Plotly || fetchPlotly(), fixed.silence);
  });
  document.head.append(script);
}
fetchNear("0%");
window.addEventListener("scroll", () => fetchNear("100%"), { once: true, passive: true });
// Paper shows charts that were never in sight. Ctrl+P waits for them; the browser's menu does not let us wait.
window.addEventListener("beforeprint", () => element.clientWidth && fetchPlotly());
window.addEventListener("keydown", (event) => {
  const prints = event.key === "p" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented;
  if (!prints || window.Plotly || !element.clientWidth) return;
  event.preventDefault();
  window.addEventListener("lx-plotly", () => setTimeout(() => window.print()), { once: true });
  fetchPlotly();
});

const follow = follower(serverSource({ props, watch, trigger }, fixed), (value) => {
  newest = value;
  show();
});
followMoves(fixed.moves, follow);
show();
follow();
