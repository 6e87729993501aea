// Ties the strip and its dialog to Gradio: an answer of the live panel ("answered") moves the strip, a chosen image is
// asked for by "look". Gradio runs this with `element`, `props` and `trigger`.
const fixed = JSON.parse(props.fixed);
const place = document.querySelector('#lx-head-live [data-slot="pictures"]') || element.querySelector(".lx-strip-root");
const strip = pictureStrip(place, fixed, look, (task) => ask({ confuse: task }));
const dialog = pictureDialog(strip, look);
let number = 0, about = null;

function look(task, image) {
  dialog.open(task, image);
  ask({ at: [task, image] });
}
function ask(question) {
  about = named();
  props.value = JSON.stringify({ ...question, number: ++number });
  trigger("look");
}
// Not what an earlier question was answered with: of another model, setting or image.
const tell = (answer) => answer.number === number && isCurrent(answer) && dialog.tell(answer);
// Back and forward change the model below an open dialog.
window.addEventListener("lx-named", () => about !== named() && dialog.node.close());
const draw = ({ pictures, evaluation }) => evaluation && strip.draw(pictures || null, `${evaluation.spec.model}/${evaluation.spec.checkpoint}`);
document.addEventListener("answered", (event) => event.target.closest("#lx-head-live") && draw(event.detail));
document.addEventListener("click", (event) => { // a task's bar shows its images, as its heading in the strip does
  const bar = event.target.closest("#lx-head-live .lx-task");
  if (!bar) return;
  strip.pick("", bar.dataset.task);
  place.scrollIntoView({ block: "nearest" });
});
const live = document.querySelector("#lx-head-live .lx-live"); // it may have answers already
if (live && live.view && live.view.answer) draw(live.view.answer);
window.linesPictures = { tell, random: (task) => strip.random(task) };
