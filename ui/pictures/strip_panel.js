// Ties the strip and its dialog to Gradio: an answer of the live panel ("answered") moves the strip, a chosen image is
// asked for by "look". Gradio runs this with `element`, `props` and `trigger`.
const settings = JSON.parse(props.fixed);
const place = document.querySelector('#lx-head-live [data-slot="pictures"]') || element.querySelector(".lx-strip-root");
const strip = pictureStrip(place, settings, look, (task) => ask({ confuse: task }));
const dialog = pictureDialog(strip, look);

function look(task, image) {
  dialog.open(task, image);
  ask({ at: [task, image] });
}
function ask(question) {
  props.value = JSON.stringify(question);
  trigger("look");
}
document.addEventListener("answered", (event) => {
  if (event.target.closest("#lx-head-live")) strip.draw(event.detail.pictures || null);
});
const live = document.querySelector("#lx-head-live .lx-live"); // it may have answers already
if (live && live.view && live.view.answer) strip.draw(live.view.answer.pictures || null);
window.linesPictures = { tell: dialog.tell, random: (task) => strip.random(task) };
