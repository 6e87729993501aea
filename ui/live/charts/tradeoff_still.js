// What stands still in the scatter while a slider moves: grid, axes, measured curves, the visitor's trail, anchors.
// `place` is {x, y} of percentAxis; every point has `target` and `control` with `value`, `low`, `high`.
function stillTradeoff(group, place, box, { anchors, paths }, trail, { words, roles }) {
  const { x, y } = place, parts = [];
  const line = (x1, y1, x2, y2) => svg("line", { class: "lx-grid-line", x1, y1, x2, y2 });
  const label = (text, at) => svg("text", { class: "lx-tick", ...at }, text);
  for (const tick of x.ticks) {
    const at = x.at(tick / 100);
    parts.push(line(at, box.top, at, box.bottom), label(`${tick} %`, { x: at, y: box.bottom + 17, "text-anchor": "middle" }));
  }
  for (const tick of y.ticks) {
    const at = y.at(tick / 100);
    parts.push(line(box.left, at, box.right, at), label(`${tick} %`, { x: box.left - 7, y: at + 4, "text-anchor": "end" }));
  }
  const middle = (box.top + box.bottom) / 2;
  parts.push(label(words.control_axis, { x: (box.left + box.right) / 2, y: box.bottom + 37, "text-anchor": "middle" }));
  const title = box.bottom - box.top > 270 ? words.target_axis : `${words.target} →`; // one that is as long as the axis at most
  parts.push(label(title, { transform: `translate(13,${middle}) rotate(-90)`, "text-anchor": "middle" }));

  const at = (point) => [x.at(point.control.value), y.at(point.target.value)];
  const joined = (points, className, role) =>
    svg("polyline", { class: className, "data-role": role, points: points.map((point) => at(point).map((part) => part.toFixed(1)).join(",")).join(" ") });
  const mark = (point, role, r, className) => {
    const [cx, cy] = at(point);
    const attributes = { class: className, d: markPath((roles[role] || {}).marker || "circle", r), transform: `translate(${cx.toFixed(1)},${cy.toFixed(1)})` };
    return svg("path", role ? { ...attributes, style: `--c: var(--c-${role})` } : attributes);
  };
  for (const { role, whole, points } of paths) {
    // joined once the whole sweep is there: a line through a few of its points would be no measurement
    if (whole) parts.push(filled(joined(points, "lx-path", role), { style: `--c: var(--c-${role})` }, []));
    parts.push(...points.map((point) => mark(point, role, 3.2, "lx-path-point")));
  }
  if (trail.length) parts.push(joined(trail, "lx-trail", ""), ...trail.map((point) => mark(point, "", 2.6, "lx-trail-point")));
  for (const anchor of anchors) {
    const [cx, cy] = at(anchor), right = cx > (box.left + box.right) / 2;
    parts.push(mark(anchor, anchor.role, 6.5, "lx-anchor"));
    const beside = { x: cx + (right ? 4 : 0), y: cy - 12, "text-anchor": right ? "end" : "start", style: `--c: var(--c-${anchor.role})` };
    parts.push(svg("text", { class: "lx-anchor-name", ...beside }, anchor.name.toLowerCase()));
  }
  group.replaceChildren(...parts);
}
