// A chart against what a slider sets carries a line at the slider's value, layout.meta.cursor is the slider's id. Where
// layout.meta.chosen is the id of a radio, the traces whose meta.choice it names stand out, and so does their point at
// the slider's value. They follow without a request: listeners send "lx-cursor" with {id: value, ...}.
const told = {};
const toldBy = (id, checked) => told[id] ?? document.querySelector(`#${id} input${checked}`)?.value;

function withCursor(figure) {
  const { cursor, chosen } = figure.layout.meta || {}, at = cursor && toldBy(cursor, '[type="range"]');
  if (at === undefined) return figure;
  const x = Number(at), choice = chosen && toldBy(chosen, ":checked");
  const line = { type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line: { color: "@axis", width: 2 } };
  const data = figure.data.map((trace) => {
    if (!choice || !trace.meta?.choice) return trace;
    if (trace.meta.choice !== choice) return { ...trace, opacity: 0.4 };
    const size = trace.x.map((point) => (Math.abs(point - x) < 1e-6 ? 2 : 1) * trace.marker.size);
    return { ...trace, marker: { ...trace.marker, size } };
  });
  return { ...figure, data, layout: { ...figure.layout, shapes: [line] } };
}

window.addEventListener("lx-cursor", ({ detail }) => {
  Object.assign(told, detail);
  redraw();
});
