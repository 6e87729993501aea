// A chart against what a slider sets carries a line at the slider's value: layout.meta.cursor is the slider's id. The line
// moves without a request; the slider's listener sends "lx-cursor" with {id, value}.
const cursors = {}; // value by slider, once it has moved

function withCursor(figure) {
  const id = figure.layout.meta?.cursor, range = id && document.querySelector(`#${id} input[type="range"]`);
  if (!range) return figure;
  const [x, ends] = [cursors[id] ?? Number(range.value), { y0: 0, y1: 1, yref: "paper" }];
  const line = { type: "line", x0: x, x1: x, ...ends, line: { color: "@axis", width: 2 } };
  return { ...figure, layout: { ...figure.layout, shapes: [line] } };
}

window.addEventListener("lx-cursor", ({ detail: { id, value } }) => {
  cursors[id] = value;
  redraw();
});
