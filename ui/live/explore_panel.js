// Ties the live panel of "Explore" to Gradio: answers come from the server, a chosen point sets the page's controls.
// Gradio runs this with `element`, `props`, `watch` and `trigger`; `props.fixed` is made by ui/explore/explore_charts.py.
const fixed = JSON.parse(props.fixed), root = element.querySelector(".lx-live");
function go(place) {
  window.lxDestination = place; // the listener of "go" reads it and sets the controls
  trigger("go");
}
function choose(place) {
  player.end();
  go(place);
}
// For the charts below on the page: a click on one of their points goes there, where one sees it change.
window.lxGo = (place) => {
  choose(place);
  const { top } = root.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) root.scrollIntoView({ block: "start" });
};
const reader = answerReader(fixed);
const view = exploreView(root, fixed, {
  go: choose,
  pin(letter) {
    window.lxUnpinned = letter; // the listener of "pin" reads it
    trigger("pin");
  },
  visit: (place) => window.lxAddress.visit(place),
});
const player = gammaPlayer(view, fixed.words, bentAt, go);
document.addEventListener("click", ({ target }) => target.closest?.("#lx-play") && player.press());
// for benchmarks and tests
Object.assign(root, { view, reader, bend });

function show(received) {
  const answer = reader.read(received);
  if (!answer) return;
  view.draw(answer);
  root.dataset.landmarks = reader.held();
  if (view.answer === answer) {
    press(answer.preset); // an older one is not drawn
    root.dispatchEvent(new CustomEvent("answered", { detail: answer, bubbles: true }));
  }
  if (answer.asked && answer.evaluation) root.dataset.asked = JSON.stringify(answer.asked);
  markStale();
}
const answers = serverSource({ props, watch, trigger }, fixed);
const follow = follower(window.lxSource?.(fixed, answers) || answers, show); // a browser may count too: static/page/runtime
followMoves(fixed.moves, (values) => {
  follow(values);
  bend(...values);
});
function bentAt({ model, shape, outside, gamma, mix }) {
  return bentFactors(fixed.affine, model, shape, outside, gamma, 1 - gamma, mix);
}
// Tier 0: the schedule bends before anything is asked of the server.
function bend(model, checkpoint, shape, tie, gamma, ...untied) {
  const [alpha, beta] = tie ? [gamma, 1 - gamma] : untied, [mix, outside, free] = untied.slice(2);
  if (player.moved(model, shape, outside, alpha, beta, mix)) return;
  view.bend(bentFactors(fixed.affine, model, shape, outside, alpha, beta, mix, free));
  root.querySelector('[data-chart="schedule"]').dataset.bent = [alpha, beta, mix].join(",");
}

// A free-form schedule as text: of the bars as they are shown, or another one fitted to a model's number of blocks.
window.linesFree = (model, free) => {
  if (model === undefined) return view.blocks().join();
  return free && stretched(fixed.affine, model, free.split(",").map(Number)).join();
};

// The button of the preset that the controls are at, if any.
function press(preset) {
  for (const button of document.querySelectorAll('[id^="lx-preset-"]'))
    button.setAttribute("aria-pressed", button.id === `lx-preset-${preset}`);
}

// The opening value is for visitors who come without a share link.
const opening = JSON.parse(props.value), asked = new URLSearchParams(window.location.search);
if (opening.version > 0 || !fixed.link_names.some((name) => asked.has(name))) show(opening);
follow();
