// The line below the scatter that names its symbols; anchors have their names beside them. It is a part of the drawing,
// so that a saved file and a chart alone have it too.
function tradeoffLegend({ left, right, bottom }, { paths }, trail, pins, { words, roles }) {
  const entries = paths.map(({ role }) => [roles[role].glyph, words[`${role}_curve`], `fill: var(--c-${role})`]);
  if (trail.length) entries.push(["○", words.trail, ""]);
  if (pins.length) entries.push(["A", words.kept_pins, "fill: var(--c-ink); font-weight: 700"]);
  const named = entries.flatMap(([glyph, name, style]) => [svg("tspan", { style }, glyph), ` ${name}\u2003`]);
  return svg("text", { class: "lx-tick lx-tradeoff-legend", x: (left + right) / 2, y: bottom + 56, "text-anchor": "middle" }, ...named);
}
