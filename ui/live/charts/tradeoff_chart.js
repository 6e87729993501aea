// Target (up) against mean control accuracy (right) as SVG: a still scatter, redrawn when it changes, and the point
// that moves. The nearest point shows its details; a click, or Enter in the row of buttons for the keyboard, calls
// `go` with the point's edit. The edit's own mark can be dragged along the gamma curve.
const REACH = window.matchMedia("(pointer: coarse)").matches ? 26 : 15;

function tradeoffChart(node, around, tip, settings, go) {
  const { words } = settings;
  const still = svg("g"), ghosts = svg("g"), rings = svg("g"), now = svg("g", { class: "lx-now-group" });
  const canvas = svg("svg", { "aria-hidden": "true" }, still, ghosts, rings, now);
  const buttons = html("div", { class: "lx-points", role: "toolbar", "aria-label": words.points });
  node.append(canvas);
  around.append(buttons);
  const movePoint = tradeoffPoint(now, settings);
  const onMark = (event) => hits.now && nearest(event) === hits.now;
  const drag = curveDrag(node, rings, onMark, (gamma) => go({ shape: "linear", alpha: gamma, beta: 1 - gamma, outside: "alpha", mix: 1 }));
  let shown = null, size = { width: 0, height: 0 }, drawn = "", listed = null, hits = [];

  const details = (point) => [
    point.name,
    `${words.target} ${percentText(point.target.value)} (${rangeText(point.target)})`,
    `${words.control} ${percentText(point.control.value)} (${rangeText(point.control)})`,
  ];

  function draw(evaluation, landmarks, trail, pins) {
    shown = [evaluation, landmarks, trail, pins];
    const { width, height } = size; // known to the observer below: to ask for it here would lay the page out
    if (!width) return; // not in sight: drawn once it has a width
    const box = { left: 62, right: width - 16, top: 14, bottom: height - 62 };
    const kept = placed(pins).map((pin) => ({ ...pin, name: fillIn(words.pin_name, pin) }));
    const marks = [...landmarks.paths.flatMap((path) => path.points), ...landmarks.anchors, ...kept];
    const keptAs = JSON.stringify(kept.map(({ name, target, control }) => [name, target, control]));
    const all = [...marks, evaluation];
    const place = {
      x: percentAxis(all.map((one) => one.control.value), box.left, box.right),
      y: percentAxis(all.map((one) => one.target.value), box.bottom, box.top),
    };
    const state = [width, height, landmarks.id, keptAs, trail.length, trail.at(-1)?.id, place.x.low, place.x.high, place.y.low, place.y.high].join();
    if (state !== drawn) {
      drawn = state;
      canvas.setAttribute("width", width);
      canvas.setAttribute("height", height);
      stillTradeoff(still, place, box, landmarks, trail, settings);
      still.append(tradeoffLegend(box, landmarks, trail, kept, settings));
      pinGhosts(ghosts, place, kept);
      const at = (point) => ({ point, cx: place.x.at(point.control.value), cy: place.y.at(point.target.value) });
      hits = [...trail.map(at), ...marks.map(at)];
      list(marks, landmarks.id + keptAs, place);
      const curve = landmarks.paths.find(({ role, whole }) => role === "lines" && whole);
      drag.lay(curve ? curve.points.map(at).map(({ point, cx, cy }) => ({ gamma: point.edit.alpha, x: cx, y: cy })) : []);
    }
    const here = { ...evaluation, name: words.edit };
    hits.now = { point: here, ...movePoint(evaluation, place) };
    const said = [here, ...landmarks.anchors].map((one) => details(one)).map(([name, ...rest]) => `${name}: ${rest.join(", ")}`);
    node.setAttribute("aria-label", fillIn(words.tradeoff_alt, { points: said.join("; ") }));
  }

  // One button a measured model, in one tab stop: arrows go from one to the next. The pointer does not see them.
  function list(marks, id, { x, y }) {
    if (listed !== id) {
      listed = id;
      buttons.replaceChildren(...marks.map((point, i) => html("button", { type: "button", tabindex: i ? -1 : 0, "aria-label": details(point).join(", ") })));
    }
    marks.forEach((point, i) => {
      const button = buttons.children[i];
      button.style.left = `${x.at(point.control.value)}px`;
      button.style.top = `${y.at(point.target.value)}px`;
      button.onfocus = () => tip.show(x.at(point.control.value), y.at(point.target.value), details(point));
      button.onclick = () => go(point.edit);
    });
  }
  buttons.addEventListener("focusout", tip.hide);
  buttons.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = Array.from(buttons.children), from = all.indexOf(event.target);
    if (!step || from < 0) return;
    event.preventDefault();
    all[from].tabIndex = -1;
    const next = all[(from + step + all.length) % all.length];
    next.tabIndex = 0;
    next.focus();
  });

  // A pointer at rest moves when the page scrolls: that leaves the details of a point that has the focus.
  const away = () => buttons.contains(document.activeElement) || tip.hide();

  function nearest(event) {
    const { left, top } = node.getBoundingClientRect(), zoom = node.currentCSSZoom || 1; // large in a lecture hall
    const far = ({ cx, cy }) => Math.hypot(cx - (event.clientX - left) / zoom, cy - (event.clientY - top) / zoom);
    const all = hits.now ? [...hits, hits.now] : hits;
    return all.reduce((best, hit) => (far(hit) <= Math.min(REACH, best ? far(best) : REACH) ? hit : best), null);
  }
  node.addEventListener("pointermove", (event) => {
    const hit = drag.active() ? null : nearest(event);
    node.style.cursor = hit === hits.now && hit ? "grab" : hit ? "pointer" : "";
    if (hit) tip.show(hit.cx, hit.cy, details(hit.point));
    else away();
  });
  node.addEventListener("pointerleave", away);
  node.addEventListener("click", (event) => {
    const hit = drag.ended() ? null : nearest(event);
    if (hit && hit !== hits.now) go(hit.point.edit);
  });
  new ResizeObserver(([entry]) => {
    size = entry.contentRect;
    if (shown) draw(...shown);
  }).observe(node);
  return { draw, ride: drag.ride };
}
