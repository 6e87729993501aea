// Makes the bars of the blocks sliders, by pointer, touch and keyboard. `node` holds the bars of bars.js; `set(block,
// value)` is called with the index of a block and its new factor. One tab stop: left and right go from bar to bar, up
// and down change it by a step, page keys by ten, Home and End go to the ends.
const FACTORS = { low: 0, high: 1.5, step: 0.01 };
const nearFactor = (value) => Math.round(1e4 * Math.min(FACTORS.high, Math.max(FACTORS.low, value))) / 1e4;

function barHandles(node, words, set) {
  let bars = [], dragged = null, asked = null;
  const stepped = (value) => nearFactor(Math.round(value / FACTORS.step) * FACTORS.step);
  const now = (bar) => Number(bar.getAttribute("aria-valuenow"));

  function make() {
    bars = Array.from(node.querySelectorAll(".lx-factor")).slice(1, -1);
    bars.forEach((bar, i) => {
      bar.append(html("i", { class: "lx-grip" }));
      const slider = { role: "slider", tabindex: i ? -1 : 0, "aria-orientation": "vertical", "aria-valuemin": FACTORS.low, "aria-valuemax": FACTORS.high };
      filled(bar, { ...slider, "aria-label": fillIn(words.bar, { block: i + 1 }) }, []);
    });
  }

  function show(factors) {
    if (!bars.length || !bars[0].isConnected || bars.length !== factors.length) make();
    bars.forEach((bar, i) => {
      bar.setAttribute("aria-valuenow", Number(factors[i].toFixed(4)));
      bar.setAttribute("aria-valuetext", factors[i].toFixed(2));
    });
  }

  // The axis may grow under a drag: a bar keeps the scale that it was taken up with.
  function scaleOf(bar) {
    const { bottom, height } = bar.getBoundingClientRect();
    const [low, high] = ["--low", "--high"].map((name) => Number(node.style.getPropertyValue(name)));
    return (y) => stepped(low + ((bottom - y) / height) * (high - low));
  }

  // At most one call a frame, with the last place.
  function move(bar, value) {
    if (!asked) requestAnimationFrame(() => {
      const { bar, value } = asked;
      asked = null;
      if (value !== now(bar)) set(bars.indexOf(bar), value);
    });
    asked = { bar, value };
  }

  function focus(bar) {
    bars.forEach((one) => (one.tabIndex = one === bar ? 0 : -1));
    bar.focus({ preventScroll: true });
  }

  node.addEventListener("pointerdown", (event) => {
    const bar = event.target.closest('[role="slider"]');
    // a finger beside the grip may want to scroll: if it only taps, it is a click
    if (!bar || event.button || (event.pointerType === "touch" && !event.target.matches(".lx-grip"))) return;
    event.preventDefault();
    focus(bar);
    dragged = { bar, at: scaleOf(bar), id: event.pointerId };
    node.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") move(bar, dragged.at(event.clientY));
  });
  node.addEventListener("pointermove", (event) => {
    if (dragged && dragged.id === event.pointerId) move(dragged.bar, dragged.at(event.clientY));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    node.addEventListener(name, () => (dragged = null));
  node.addEventListener("click", (event) => {
    const bar = event.target.closest('[role="slider"]');
    if (bar && event.pointerType === "touch" && !event.target.matches(".lx-grip")) move(bar, scaleOf(bar)(event.clientY));
  });
  node.addEventListener("keydown", (event) => {
    const at = bars.indexOf(event.target), by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const to = { Home: FACTORS.low, End: FACTORS.high }[event.key], aside = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey || !(by || aside || to !== undefined)) return;
    event.preventDefault();
    if (aside) return focus(bars[Math.min(Math.max(at + aside, 0), bars.length - 1)]);
    move(bars[at], to ?? stepped(now(bars[at]) + by * FACTORS.step));
  });
  return { show };
}
