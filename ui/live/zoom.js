// Plotly charts take no drag until their *Zoom* button is pressed, so that nobody zooms them into nothing on the way
// to somewhere else. Pressed, a drag enlarges and a double click shows all again; so does letting the button go.
const zoomed = new WeakMap(); // node -> {on, times}: whether it is pressed, and how often it was let go

function zoomButton(node, words, redraw) {
  if (zoomed.has(node)) return;
  const state = { on: false, times: 0 };
  const button = Object.assign(document.createElement("button"), { type: "button", className: "lx-zoom", title: words.zoom_help });
  button.textContent = words.zoom;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    state.on = !state.on;
    state.times += !state.on;
    button.setAttribute("aria-pressed", String(state.on));
    redraw();
  });
  zoomed.set(node, state);
  node.closest("figure").querySelector("figcaption").append(button);
}

// The layout with what the button allows; Plotly forgets a zoom when `uirevision` changes.
function withZoom(node, layout) {
  const { on, times } = zoomed.get(node) || { on: false, times: 0 };
  const locked = { ...layout, dragmode: on ? "zoom" : false, uirevision: `${layout.uirevision} ${times}` };
  for (const name in layout) if (/^[xy]axis\d*$/.test(name) && !on) locked[name] = { ...layout[name], fixedrange: true };
  return locked;
}

const canZoom = (layout) => Object.keys(layout).some((name) => /^[xy]axis\d*$/.test(name) && !layout[name].fixedrange);
