// Ties the live panel of "Explore" to Gradio: answers come from the server, a chosen point sets the page's controls.
// Gradio runs this with `element`, `props`, `watch` and `trigger`; `props.fixed` is made by ui/explore/explore_charts.py.
const fixed = JSON.parse(props.fixed), root = element.querySelector(".lx-live");
const view = exploreView(root, fixed, {
  go(edit) {
    window.lxDestination = edit; // the listener of "go" reads it and sets the controls
    trigger("go");
  },
  pin(letter) {
    window.lxUnpinned = letter; // so does that of "pin"
    trigger("pin");
  },
  visit,
});
root.view = view; // for benchmarks and tests

function show(answer) {
  view.draw(answer);
  if (view.answer === answer) {
    press(answer.preset); // an older one is not drawn
    root.dispatchEvent(new CustomEvent("answered", { detail: answer, bubbles: true }));
  }
  if (answer.asked && answer.evaluation) root.dataset.asked = JSON.stringify(answer.asked);
  markStale();
}
const follow = follower(serverSource({ props, watch, trigger }, fixed), show);
followMoves(element, follow);
window.linesBend = (model, shape, outside, alpha, beta, mix, free) => {
  view.bend(bentFactors(fixed.affine, model, shape, outside, alpha, beta, mix, free));
  root.querySelector('[data-chart="schedule"]').dataset.bent = [alpha, beta, mix].join(",");
};

// A free-form schedule as text: of the bars as they are shown, or another one fitted to a model's number of blocks.
window.linesFree = (model, free) => {
  if (model === undefined) return view.blocks().join();
  return free && stretched(fixed.affine, model, free.split(",").map(Number)).join();
};

// Opens another position as back and forward would; the pins stay.
function visit(position) {
  const link = new URL(window.lxAddress.link());
  for (const name of fixed.link_names) if (name !== "pins") link.searchParams.delete(name);
  for (const [name, said] of new URLSearchParams(position)) link.searchParams.set(name, said);
  window.history.pushState(window.history.state, "", link);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

// The button of the preset that the controls are at, if any.
function press(preset) {
  for (const button of document.querySelectorAll('[id^="lx-preset-"]'))
    button.setAttribute("aria-pressed", button.id === `lx-preset-${preset}`);
}

// The opening value is for visitors who come without a share link.
const opening = JSON.parse(props.value), asked = new URLSearchParams(window.location.search);
if (opening.version > 0 || !fixed.link_names.some((name) => asked.has(name))) show(opening);
follow();
