// The strip of test images, drawn into `root` from the part `pictures` of an answer (ui/pictures/strip_json.py): a frame
// and a sign say what became of each image. The images come once for each suite, by the address in the answer.
//   settings  {states: [{key, title, sign, help}], words}, made by ui/pictures/picture_words.py
//   draw(pictures, subject)  `subject` names the model and checkpoint; with null the strip is older than the page
//   look(task, image)  is called when an image was chosen; confuse(task) when its confusions are wanted
// Returns {draw, pick(state, task), image(task, image), random(task)}.
const ON_PHONE = window.matchMedia("(max-width: 760px)"); // there all images lie in one row that scrolls
function pictureStrip(root, settings, look, confuse) {
  const { states, words } = settings, known = new Map();
  const shown = { pictures: null, images: null, subject: "", state: "", task: "" };
  const chips = [null, ...states].map((state) => {
    const count = html("b"), chip = html("button", { type: "button", class: "lx-chip", "aria-pressed": !state });
    if (state) Object.assign(chip.dataset, { state: state.key }), (chip.title = state.help);
    chip.append(...(state ? [html("i", { "aria-hidden": "true" }, state.sign), " ", state.title, " "] : [words.all, " "]), count);
    chip.addEventListener("click", () => (state ? pick(state.key, shown.task) : all(true)));
    return { chip, count, key: state ? state.key : "" };
  });
  const rows = html("div", { class: "lx-pics" });
  const why = html("button", { type: "button", class: "lx-chip", hidden: "" }, words.confusion);
  why.addEventListener("click", () => confuse(shown.task));
  const bar = html("div", { class: "lx-chips", role: "group", "aria-label": words.title }, ...chips.map(({ chip }) => chip), why);
  const more = html("button", { type: "button", class: "lx-chip lx-strip-more", "aria-expanded": "false" }, words.more);
  more.addEventListener("click", () => all(more.getAttribute("aria-expanded") === "false"));
  const heading = html("figcaption", {}, html("h3", { class: "lx-title" }, words.title), html("span", { class: "lx-note" }, words.note), more);
  const wait = html("p", { class: "lx-note" }, words.waiting);
  const card = html("figure", { class: "lx-card lx-strip", "data-brief": "true" }, heading, bar, wait, rows);
  root.replaceChildren(card);
  bar.hidden = more.hidden = true;
  const view = { draw, pick, image, random, words, states, root };

  // The description of the images, fetched once; what was drawn last is drawn when it arrives.
  function imagesAt(address) {
    if (!known.has(address)) {
      known.set(address, null);
      const read = async (answer) => {
        const described = await answer.json();
        return { ...described, sprite: new URL(described.sprite, answer.url).href };
      };
      fetch(address).then(read).then((images) => {
        known.set(address, images);
        if (shown.pictures && shown.pictures.images === address && root.dataset.stale === "false") draw(shown.pictures);
      }, () => known.delete(address)); // asked again with the next answer
    }
    return known.get(address);
  }

  function draw(pictures, subject = shown.subject) {
    root.dataset.stale = !pictures;
    if (!pictures) {
      if (subject !== shown.subject) empty(true);
      return;
    }
    Object.assign(shown, { pictures, subject });
    const images = imagesAt(pictures.images);
    if (!images) return empty(true);
    if (shown.images !== images) build(images);
    empty(false);
    const counts = Object.fromEntries(states.map(({ key }) => [key, 0]));
    images.tasks.forEach((task, row) => task.truth.forEach((truth, column) => {
      const state = states[pictures.states[row][column]], button = rows.children[row].lastChild.children[column];
      if (!state) return (button.hidden = true);
      counts[state.key] += !shown.task || shown.task === task.key;
      const said = task.classes[pictures.predicted[row][column][2]], is = task.classes[truth];
      const label = fill(words.label, { task: task.title, number: column + 1, truth: is, said, state: state.title });
      if (button.getAttribute("aria-label") !== label) {
        button.dataset.state = state.key;
        button.setAttribute("aria-label", label);
        button.title = label;
        button.children[1].textContent = state.sign;
        button.children[2].textContent = said === is ? is : `${is} → ${said}`;
      }
    }));
    chips.forEach(({ count, key }) => setText(count, String(key ? counts[key] : Object.values(counts).reduce((a, b) => a + b))));
    filter();
  }

  function build(images) {
    shown.images = images;
    const { side, sprite } = images;
    rows.replaceChildren(...images.tasks.map((task, row) => {
      const buttons = task.truth.map((_, column) => {
        const face = html("span", { class: "lx-face" });
        face.style.cssText = tile(sprite, side, images, row, column);
        const button = html("button", { type: "button", class: "lx-pic", tabindex: "-1" }, face, html("i", { "aria-hidden": "true" }), html("small"));
        button.addEventListener("click", () => look(row, column));
        return button;
      });
      const only = html("button", { type: "button", "aria-pressed": "false", title: words.task }, task.title);
      only.addEventListener("click", () => pick(shown.state, shown.task === task.key ? "" : task.key));
      return html("section", { "data-task": task.key }, html("h4", {}, only), html("div", {}, ...buttons));
    }));
    if (!images.tasks.some(({ key }) => key === shown.task)) shown.task = "";
  }

  // Nothing of another model or checkpoint than the page names stays in view.
  function empty(yes) {
    wait.hidden = !yes;
    bar.hidden = rows.hidden = more.hidden = yes;
  }

  // Every image of the task that is chosen, if one is; or a few of each task, so that the charts below stay in sight.
  function all(open) {
    more.setAttribute("aria-expanded", open);
    setText(more, open ? words.fewer : words.more);
    pick("", shown.task);
  }

  function pick(state, task) {
    Object.assign(shown, { state, task });
    if (root.dataset.stale === "false") draw(shown.pictures);
    else filter();
  }

  // All images are one stop of the tab key; arrows go from image to image, up and down from task to task.
  const inView = () => [...rows.querySelectorAll("section:not([hidden]) .lx-pic:not([hidden])")];
  function stopAt(pic) {
    for (const other of rows.querySelectorAll(".lx-pic")) other.tabIndex = other === pic ? 0 : -1;
  }
  rows.addEventListener("focusin", ({ target }) => target.matches(".lx-pic") && stopAt(target));
  rows.addEventListener("keydown", (event) => {
    const pics = inView(), at = pics.indexOf(event.target), task = (pic) => pic.closest("section");
    if (at < 0) return;
    const next = {
      ArrowRight: () => pics[at + 1],
      ArrowLeft: () => pics[at - 1],
      ArrowDown: () => pics.slice(at).find((pic) => task(pic) !== task(pics[at])),
      ArrowUp: () => pics.slice(0, at).reverse().find((pic) => task(pic) !== task(pics[at])),
      Home: () => pics[0],
      End: () => pics[pics.length - 1],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    next()?.focus();
  });

  function filter() {
    why.hidden = !shown.task;
    // A few images of each task, so that the charts below stay in sight; all that a filter leaves.
    more.hidden = Boolean(shown.state || shown.task);
    const brief = !more.hidden && more.getAttribute("aria-expanded") === "false" && !ON_PHONE.matches;
    card.dataset.brief = brief;
    for (const { chip, key } of chips) chip.setAttribute("aria-pressed", key === shown.state && !(brief && !key));
    for (const section of rows.children) {
      let any = false;
      for (const button of section.lastChild.children) {
        button.hidden = !button.dataset.state || Boolean(shown.state && button.dataset.state !== shown.state);
        any ||= !button.hidden;
      }
      section.querySelector("h4 button").setAttribute("aria-pressed", shown.task === section.dataset.task);
      section.hidden = !any && !(shown.task === section.dataset.task) || Boolean(shown.task && section.dataset.task !== shown.task);
    }
    const pics = inView();
    if (!pics.some((pic) => pic.tabIndex === 0)) stopAt(pics[0]);
  }

  // Everything that is known of one image; undefined before the first answer.
  function image(row, column) {
    const { pictures, images } = shown;
    const task = images && images.tasks[row];
    if (!task || !(pictures.states[row] || "")[column]) return undefined;
    const background = tile(images.sprite, images.side, images, row, column);
    return { task, truth: task.truth[column], predicted: pictures.predicted[row][column], state: states[pictures.states[row][column]], background, number: column };
  }
  // Where a random image is in the sprite: of the named task, or else of the checkpoint's own.
  function random(key) {
    const { images, pictures } = shown;
    if (!images) return null;
    const named = (wanted) => images.tasks.findIndex((task) => task.key === wanted);
    const row = Math.max(0, named(key) >= 0 ? named(key) : named(pictures.target));
    return { sprite: images.sprite, side: images.side, row, column: Math.floor(Math.random() * images.tasks[row].truth.length) };
  }
  return view;
}

// The part of the sprite that is one image, as style: it fills whatever size its box has.
function tile(sprite, side, images, row, column) {
  const columns = Math.max(2, ...images.tasks.map(({ truth }) => truth.length), 8), count = Math.max(images.tasks.length, 2);
  const at = `${(100 * column) / (columns - 1)}% ${(100 * row) / (count - 1)}%`;
  return `background: url("${sprite}") ${at} / ${100 * columns}% ${100 * images.tasks.length}%; image-rendering: ${side > 64 ? "auto" : "pixelated"}`;
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
