// A visitor's own picture: drawn, chosen, from the camera or an example; the server says what three models make of it.
// Gradio runs this with `element`, `props`, `watch` and `trigger`: "ask" sends what `props.value` holds, and the answer
// {rows: [[class, pretrained, finetuned, edit]], tasks: [[key, title]], title} or {error} arrives in another component.
// It asks again with every move of the controls ("lx-moved", ui/address/address.js). The picture is kept in this page only.
const fixed = JSON.parse(props.fixed), { words, side } = fixed;
const root = element.querySelector(".lx-own"), make = (name, attributes, ...inside) => {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...inside);
  return node;
};
const canvas = make("canvas", { width: side, height: side, className: "lx-canvas", ariaLabel: words.canvas });
const pen = canvas.getContext("2d"), status = make("p", { className: "lx-note", role: "status", textContent: words.empty });
const file = make("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true });
const video = make("video", { className: "lx-canvas", muted: true, playsInline: true, hidden: true });
const button = (name, act) => make("button", { type: "button", className: "lx-chip", textContent: words[name], onclick: act });
const inks = words.inks.map(([ink, paper, title], i) => {
  const one = make("button", { type: "button", className: "lx-ink", title, ariaLabel: title, ariaPressed: String(!i), onclick: () => dip(i) });
  one.style.cssText = `background: ${paper}; color: ${ink}`;
  one.append("●");
  return one;
});
const take = button("take", snap), stop = button("stop", unwatch);
take.hidden = stop.hidden = true;
const task = make("select", { ariaLabel: words.classes }, new Option(words.own_task, ""), new Option(words.typed, "typed"));
const names = make("input", { value: words.names, ariaLabel: words.names_label, maxLength: 2000 });
const template = make("input", { value: words.template, ariaLabel: words.template_label, maxLength: 160 });
const typed = make("div", { className: "lx-typed", hidden: true }, make("label", {}, words.names_label, names), make("label", {}, words.template_label, template));
const result = make("div", { className: "lx-result", ariaLive: "polite" });
const tools = make("div", { className: "lx-chips" }, ...inks, button("clear", clear), button("upload", () => file.click()), button("camera", watchCamera), button("example", example), take, stop, file);
root.replaceChildren(make("div", {}, canvas, video), make("div", {}, tools, make("div", { className: "lx-chips" }, make("label", {}, `${words.classes} `, task)), typed, status, result));
let ink = 0, last = null, filled = false, stream = null, later = null, number = 0, missed = false;

function dip(i) {
  ink = i;
  inks.forEach((one, j) => (one.ariaPressed = String(i === j)));
  if (!filled) clear();
}
function clear() {
  pen.fillStyle = words.inks[ink][1];
  pen.fillRect(0, 0, side, side);
  filled = false;
  result.replaceChildren();
  status.textContent = words.empty;
}
function place(source, width, height) { // fills the square, as the encoder will see it
  const scale = side / Math.min(width, height);
  pen.fillStyle = "rgb(255, 255, 255)";
  pen.fillRect(0, 0, side, side);
  pen.drawImage(source, (side - width * scale) / 2, (side - height * scale) / 2, width * scale, height * scale);
  filled = true;
  ask();
}

canvas.style.touchAction = "none";
const at = (event) => [(event.offsetX * side) / canvas.clientWidth, (event.offsetY * side) / canvas.clientHeight];
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  last = at(event);
  stroke(event);
});
canvas.addEventListener("pointermove", (event) => last && stroke(event));
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => last && ((last = null), ask()));
function stroke(event) {
  const to = at(event);
  Object.assign(pen, { strokeStyle: words.inks[ink][0], lineWidth: side / 11, lineCap: "round", lineJoin: "round" });
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(to[0] + 0.01, to[1]);
  pen.stroke();
  last = to;
  filled = true;
  soon();
}

async function read(blob) {
  try {
    const image = await createImageBitmap(blob);
    place(image, image.width, image.height);
  } catch {
    status.textContent = words.unreadable;
  }
}
file.addEventListener("change", () => file.files[0] && read(file.files[0]).then(() => (file.value = "")));
root.addEventListener("dragover", (event) => event.preventDefault());
root.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
});
async function watchCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    video.srcObject = stream;
    await video.play();
    show(true);
  } catch {
    status.textContent = words.no_camera;
  }
}
function show(live) {
  video.hidden = take.hidden = stop.hidden = !live;
  canvas.hidden = live;
}
function snap() {
  place(video, video.videoWidth, video.videoHeight);
  unwatch();
}
function unwatch() {
  if (stream) stream.getTracks().forEach((track) => track.stop());
  show(false);
}
async function example() {
  const found = window.linesPictures && window.linesPictures.random(task.value);
  if (!found) return (status.textContent = words.no_example);
  const image = new Image();
  image.src = found.sprite;
  await image.decode();
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, found.column * found.side, found.row * found.side, found.side, found.side, 0, 0, side, side);
  pen.imageSmoothingEnabled = true;
  filled = true;
  ask();
}

function soon() { // while a line is drawn
  later = later || setTimeout(ask, 250);
}
function ask() {
  clearTimeout(later);
  later = null;
  missed = filled && !element.offsetParent;
  if (!filled || missed) return;
  status.textContent = words.asking;
  props.value = JSON.stringify({ number: ++number, image: canvas.toDataURL("image/jpeg", 0.92), task: task.value, names: names.value, template: template.value });
  trigger("ask");
}
task.addEventListener("change", () => {
  typed.hidden = task.value !== "typed";
  ask();
});
for (const input of [names, template]) input.addEventListener("change", ask);
window.addEventListener("lx-moved", () => setTimeout(ask));
new ResizeObserver(() => missed && ask()).observe(root); // in sight again

window.linesOwnPicture = (answer) => {
  if (!filled || !isCurrent(answer)) return;
  status.textContent = answer.error || words.read;
  status.classList.toggle("lx-trouble", Boolean(answer.error));
  if (!answer.rows) return;
  const options = [["", `${words.own_task}: ${answer.title}`], ...answer.tasks, ["typed", words.typed]];
  if (task.dataset.tasks !== JSON.stringify(options)) {
    const chosen = task.value;
    task.replaceChildren(...options.map(([key, title]) => new Option(title, key)));
    task.value = options.some(([key]) => key === chosen) ? chosen : "";
    task.dataset.tasks = JSON.stringify(options);
  }
  const head = words.models.map(([role, title]) => {
    const entry = make("li", {}, title);
    entry.style.setProperty("--role", `var(--c-${role})`);
    return entry;
  });
  const rows = answer.rows.map(([name, ...shares]) => {
    const bars = shares.map((part, i) => {
      const bar = make("i", { className: "lx-share", title: `${words.models[i][1]}: ${(100 * part).toFixed(1)} %` });
      bar.style.cssText = `--part: ${part}; --role: var(--c-${words.models[i][0]})`;
      return make("div", {}, bar, make("small", {}, `${(100 * part).toFixed(0)} %`));
    });
    return make("section", {}, make("b", {}, name), ...bars);
  });
  result.replaceChildren(make("ul", { className: "lx-three" }, ...head), ...rows);
  if (answer.asked) result.dataset.asked = JSON.stringify(answer.asked);
  markStale();
};
clear();
