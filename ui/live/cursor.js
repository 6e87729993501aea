// A chart against what a slider sets carries a line at the slider's value: layout.meta.cursor is the slider's id. The line
// moves without a request; the slider's listener sends "lx-cursor" with {id, value}.
const cursorOf = (figure) => figure.layout.meta?.cursor;

function withCursor(figure) {
  const id = cursorOf(figure), range = id && document.querySelector(`#${id} input[type="range"]`);
  if (!range) return figure;
  const [x, ends] = [Number(range.value), { y0: 0, y1: 1, yref: "paper" }];
  const line = { type: "line", x0: x, x1: x, ...ends, line: { color: "@axis", width: 2 } };
  return { ...figure, layout: { ...figure.layout, shapes: [line] } };
}

window.addEventListener("lx-cursor", ({ detail: { id, value } }) => {
  for (const node of element.querySelectorAll("[data-chart]"))
    if (node.layout?.meta?.cursor === id) window.Plotly.relayout(node, { "shapes[0].x0": value, "shapes[0].x1": value });
});
