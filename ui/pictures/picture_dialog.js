// A dialog with one image in large, what the three models say of it, and the probability of its class by gamma. It is
// drawn at once from what the strip knows; `tell(answer)` adds the probabilities when they arrive.
//   strip  of picture_strip.js; arrow keys go to the image before and after, Esc closes
function pictureDialog(strip, look) {
  const { words } = strip;
  const face = html("span", { class: "lx-face" }), text = html("div", { class: "lx-said" });
  const [before, close, after] = [["before", "‹"], ["close", "×"], ["after", "›"]].map(([name, sign]) => html("button", { type: "button", class: `lx-${name}`, "aria-label": words[name] }, sign));
  const heading = html("h3", { tabindex: "-1" });
  const node = html("dialog", { class: "lx-dialog" }, html("header", {}, before, heading, after, close), face, text);
  document.body.append(node);
  let at = null;
  close.addEventListener("click", () => node.close());
  before.addEventListener("click", () => step(-1));
  after.addEventListener("click", () => step(1));
  node.addEventListener("click", (event) => event.target === node && node.close());
  node.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) step(by);
  });

  function step(by) {
    if (at && strip.image(at[0], at[1] + by)) look(at[0], at[1] + by);
  }

  function open(row, column) {
    const image = strip.image(row, column);
    if (!image) return;
    at = [row, column];
    const { task, truth, predicted, state } = image;
    setText(heading, task.title);
    face.style.cssText = image.background;
    face.hidden = false;
    const said = ["pretrained", "finetuned", "edit"].map((name, i) => {
      const right = predicted[i] === truth;
      return html("li", { "data-right": right }, `${words[name]}: ${task.classes[predicted[i]]} ${right ? "✓" : "✗"}`);
    });
    const became = html("p", { class: "lx-state", "data-state": state.key }, html("i", { "aria-hidden": "true" }, state.sign), ` ${state.title}: ${state.help}`);
    text.replaceChildren(html("p", {}, html("b", {}, fill(words.is, { truth: task.classes[truth] }))), became, html("ul", {}, ...said), html("p", { class: "lx-note", role: "status" }, words.measuring));
    if (!node.open) node.showModal();
  }

  // {at: [task, image], models: [{name, top: [[class, probability]]}], curve: [[gamma, probability]], error}
  function tell(answer) {
    if (answer.confusion) return confusions(answer);
    if (!at || (answer.at && (answer.at[0] !== at[0] || answer.at[1] !== at[1]))) return;
    text.lastChild.remove();
    if (answer.error) return text.append(html("p", { class: "lx-trouble" }, answer.error));
    const models = answer.models.map(({ name, top }) => html("section", { class: "lx-top5" }, html("h4", {}, words[name]), bars(top)));
    text.append(html("div", { class: "lx-models" }, ...models));
    if (answer.curve.length) text.append(html("p", { class: "lx-note" }, words.curve), curve(answer.curve));
  }

  function confusions({ title, confusion }) {
    at = null;
    setText(heading, title);
    face.hidden = true;
    const most = confusion.length ? confusion[0][2] : 1;
    const rows = confusion.map(([is, said, n]) => html("tr", {}, html("th", { scope: "row" }, is), html("td", {}, said), html("td", {}, String(n), share(n / most))));
    const head = html("tr", {}, ...words.confusion_head.map((name) => html("th", { scope: "col" }, name)));
    text.replaceChildren(confusion.length ? html("table", { class: "lx-table" }, html("thead", {}, head), html("tbody", {}, ...rows)) : html("p", {}, words.none_forgotten));
    if (!node.open) node.showModal();
  }
  return { open, tell, node };
}

function share(part) {
  const bar = html("i", { class: "lx-share", "aria-hidden": "true" });
  bar.style.setProperty("--part", part.toFixed(3));
  return bar;
}

// Classes with their probabilities as bars, most probable first.
function bars(top) {
  return html("ol", { class: "lx-bars" }, ...top.map(([name, value]) => html("li", {}, html("span", {}, name), html("b", {}, `${(100 * value).toFixed(1)} %`), share(value))));
}

// The axis ends at the first of these that holds every point: an image that was forgotten is right at most by a little.
const TOPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
function curve(points) {
  const top = TOPS.find((one) => points.every(([, value]) => value <= one)) || 1;
  const [width, height] = [300, 90], x = (gamma) => 36 + gamma * (width - 50), y = (value) => height - 22 - (value / top) * (height - 32);
  const line = points.map(([gamma, value]) => `${x(gamma)},${y(value)}`).join(" ");
  const said = (value) => `${(100 * value).toFixed(top < 0.1 ? 1 : 0)} %`;
  const label = points.map(([gamma, value]) => `γ ${gamma}: ${said(value)}`).join(", ");
  const ticks = [0, 0.5, 1].map((gamma) => svg("text", { x: x(gamma), y: height - 5, "text-anchor": "middle" }, `γ ${gamma}`));
  const sides = [0, top].map((value) => svg("text", { x: 30, y: y(value) + 4, "text-anchor": "end" }, `${100 * value} %`));
  return svg("svg", { class: "lx-curve", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, svg("polyline", { points: line }), ...points.map(([gamma, value]) => svg("circle", { cx: x(gamma), cy: y(value), r: 3 })), ...ticks, ...sides);
}
