// The story: a card beside the real controls that takes the page from step to step. Every step is a link, so going to
// one sets page and controls as the address bar would; `story=4` in the address keeps the place.
// Gradio gives `element` and `props`; `props.value` is JSON {steps, values, words: {language: words}}:
//   steps   [{id, link, spot, kind: "tell" | "guess" | "quiz" | "goal", right, answer, reveal}], see story_steps.py
//   values  measured numbers by name, see story_values.py
const { steps, values, words: languages } = JSON.parse(props.value);
const asked = new URLSearchParams(window.location.search);
let language = [asked.get("lang"), ...navigator.languages.map((tag) => tag.slice(0, 2)), "en"].find((tag) => languages[tag]);
let chosen = asked.has("lang"); // a language other than the browser's stays in the address
let at = -1; // index of the step shown, -1 while the story is closed
let ended = false; // whether the last step is done, and the card says how to go on
const done = new Set(); // steps whose task is answered
const words = () => languages[language];
const spotlight = makeSpotlight();
explainTerms(() => words().glossary);

// As the page writes it, with a narrow space before the sign.
const percent = (share) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(100 * share) + "\u202f%";
const listed = (titles) => new Intl.ListFormat(language).format(titles);

const COUNTS = ["images", "blocks", "step", "steps"];

// {name} in a text stands for an entry of `values` or of `more`; numbers are fractions unless they are counts.
function filled(text, more = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = { ...values, ...more }[name];
    if (value === undefined) throw new Error("the story has no number " + name);
    if (Array.isArray(value)) return listed(value);
    return typeof value === "number" && !COUNTS.includes(name) ? percent(value) : String(value);
  });
}

// Sentences that a text holds only if the numbers are so.
function parts(told) {
  const said = (name, really) => (really && told[name] ? filled(told[name]) : "");
  return {
    wise_measurable: said(values.wise_measurable ? "measurable" : "not_measurable", true),
    not_everywhere: said("not_everywhere", values.not_ahead.length > 0),
    related: said("related", values.digits_ft > values.digits_pre),
  };
}

function make(tag, more = {}, ...inside) {
  const { data = {}, aria = {}, ...rest } = more;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, data);
  for (const name in aria) node.setAttribute("aria-" + name, aria[name]);
  node.append(...inside);
  return node;
}

// The step's place in the address, beside whatever the page itself writes there.
function visit(index, query, instead = false) {
  const link = new URLSearchParams(query ?? window.location.search);
  if (index < 0) link.delete("story");
  else link.set("story", index + 1);
  if (chosen) link.set("lang", language);
  const address = window.location.pathname + (link.toString() ? "?" + link : "") + window.location.hash;
  if (query === undefined) window.history.replaceState(window.history.state, "", address);
  else {
    window.history[instead ? "replaceState" : "pushState"]({ ...window.history.state, lxSteps: 0 }, "", address);
    window.dispatchEvent(new PopStateEvent("popstate"));
  }
}

function go(index) {
  ended = false;
  at = index;
  visit(at, steps[at].link);
  draw(true);
}

// Leaves the story where it is, or for the page of a link.
function close(link) {
  ended = false;
  at = -1;
  visit(at, link);
  spotlight.off();
  draw();
  const begins = [...document.querySelectorAll("[data-story]")].find((one) => !link && one.getClientRects().length);
  (begins ?? document.getElementById(`lx-page-${new URLSearchParams(window.location.search).get("page")}-button`))?.focus();
}

// What the visitor is at, as the address says it.
function position() {
  const link = new URLSearchParams((window.lxAddress?.link() || window.location.href).split("?")[1]);
  return { task: link.get("task"), shape: link.get("shape") || "linear", gamma: Number(link.get("gamma") ?? NaN) };
}

const card = make("section", { className: "lx-story", hidden: true, aria: { labelledby: "lx-story-title" } });
element.append(card);

function draw(focus) {
  card.hidden = at < 0;
  const { classList } = document.body, kind = steps[at]?.kind;
  classList.toggle("lx-telling", at >= 0);
  classList.toggle("lx-sliding", kind === "guess" || kind === "goal");
  classList.toggle("lx-guessing", kind === "guess" && !done.has(steps[at].id));
  classList.toggle("lx-beginning", at === 0);
  hero();
  if (at < 0) return;
  const step = steps[at], told = ended ? words().end : words().steps[step.id];
  const title = make("h2", { id: "lx-story-title", tabIndex: -1, textContent: told.title });
  const button = (name, act, more = {}) => make("button", { type: "button", textContent: words()[name], onclick: act, ...more });
  const text = make("div", { className: "lx-story-text" });
  text.append(withTerms(filled(told.text, parts(told))));
  const task = make("div", { className: "lx-story-task" });
  if (tasks[step.kind]) task.append(...tasks[step.kind](step, told));
  const last = at === steps.length - 1;
  const end = () => { ended = true; draw(true); };
  const buttons = ended
    ? [button("again", () => go(0)), button("explore", () => close("page=explore&task=" + position().task), { className: "lx-story-next" })]
    : [button("back", () => go(at - 1), { disabled: at === 0 }),
      button(last ? "finish" : "next", () => (last ? end() : go(at + 1)), { className: "lx-story-next" })];
  card.lang = language;
  card.replaceChildren(
    make("header", {}, make("span", { textContent: filled(words().step, { step: at + 1, steps: steps.length }) }),
      make("progress", { value: at + 1, max: steps.length, aria: { label: words().chapters } }), languageList(),
      make("button", { type: "button", className: "lx-story-close", textContent: "×", onclick: () => close(), aria: { label: words().close } })),
    make("div", { className: "lx-story-body" }, title, text, task),
    make("footer", {}, ...buttons));
  spotlight.on(step.spot, card);
  if (focus) title.focus({ preventScroll: true });
}

function languageList() {
  const options = Object.entries(languages).map(([tag, { language: name }]) =>
    make("option", { value: tag, textContent: name, selected: tag === language }));
  const select = make("select", { aria: { label: words().choose_language } }, ...options);
  select.onchange = () => {
    language = select.value;
    chosen = true;
    visit(at);
    draw();
  };
  return select;
}

const says = (text, good) =>
  make("p", { className: "lx-story-says", role: "status", data: { good: String(good) } }, withTerms(text));

const tasks = {
  guess(step, told) {
    const field = make("input", { type: "number", min: 0, max: 100, step: 0.1, inputMode: "decimal", required: true });
    const said = make("div");
    const reveal = (guess) => {
      done.add(step.id);
      document.body.classList.remove("lx-guessing");
      const off = Math.abs(guess - 100 * values[step.answer]);
      const number = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);
      said.replaceChildren(says(filled(words().guessed, { guess: number(guess), off: number(off) }) + " " + filled(told.reveal), true));
      visit(at, step.reveal);
    };
    const form = make("form", { onsubmit: (event) => {
      event.preventDefault();
      const guess = Number(field.value);
      if (field.value === "" || !(guess >= 0 && guess <= 100)) said.replaceChildren(says(words().number_wanted, false));
      else reveal(guess);
    } }, make("label", {}, words().guess, field), make("button", { textContent: words().check }));
    form.noValidate = true;
    return [form, said];
  },
  quiz(step, told) {
    const said = make("div");
    const options = told.options.map((option, index) => make("button", { type: "button", className: "lx-story-option", textContent: option,
      aria: { pressed: false }, onclick: () => {
        const good = index === step.right;
        if (good) done.add(step.id);
        options.forEach((other, i) => other.setAttribute("aria-pressed", i === index));
        said.replaceChildren(says(words()[good ? "right" : "wrong"] + " " + filled(told.feedback[index]), good));
      } }));
    return [make("p", { className: "lx-story-question", textContent: told.question }), ...options, said];
  },
  goal(step, told) {
    const said = make("div");
    const check = () => {
      const here = position();
      if (here.task !== step.task || here.shape !== "linear" || !(here.gamma >= 0)) {
        const again = make("button", { type: "button", textContent: words().again_here, onclick: () => visit(at, step.link) });
        said.replaceChildren(says(words().elsewhere, false), again);
        return;
      }
      const { good, says: which, ...numbers } = goalAt(here.gamma);
      if (good) done.add(step.id);
      said.replaceChildren(says(filled(told[which], numbers), good));
    };
    return [make("button", { type: "button", textContent: words().check, onclick: check }), said];
  },
};

// The exercise, judged on the measured grid; between two of its points both accuracies are interpolated.
function goalAt(gamma) {
  const grid = [...values.grid].sort((a, b) => a[0] - b[0]);
  const upper = grid.find((point) => point[0] >= gamma - 1e-9), lower = [...grid].reverse().find((point) => point[0] <= gamma + 1e-9);
  const part = upper[0] === lower[0] ? 0 : (gamma - lower[0]) / (upper[0] - lower[0]);
  const [target, control] = [1, 2].map((i) => lower[i] + part * (upper[i] - lower[i]));
  const kept = target / values.ft_target;
  const [best_gamma, , best_control] = grid.filter((point) => point[1] >= values.kept * values.ft_target)
    .reduce((best, point) => (point[2] > best[2] ? point : best));
  const numbers = { gamma: String(gamma), kept, control, best_control, best_gamma: String(best_gamma) };
  if (kept < values.kept) return { good: false, says: "too_low", ...numbers };
  if (control < best_control - values.near) return { good: false, says: "more", ...numbers };
  return { good: true, says: "done", ...numbers };
}

// The words and numbers of the page "Start", which Python wrote in English.
function hero() {
  const start = document.querySelector(".lx-start");
  if (!start) return;
  start.lang = language;
  for (const node of start.querySelectorAll("[data-share]")) node.textContent = percent(Number(node.dataset.share));
  const guessed = done.has("predict"), show = start.querySelector("[data-show]");
  for (const node of start.querySelectorAll("[data-answer]")) node.hidden = !guessed;
  show.hidden = guessed;
  show.title = words().show;
  show.setAttribute("aria-label", words().show);
  start.querySelector(".lx-start-language").replaceChildren(languageList());
  for (const node of document.querySelectorAll("[data-story-word]")) {
    const name = node.dataset.storyWord;
    node.textContent = words()[name] || words().figure[name] || words().steps[name].title;
  }
}

document.addEventListener("click", (event) => {
  const begins = event.target.closest("[data-story]"), link = event.target.closest("a[data-page]");
  if (begins) go(Number(begins.dataset.story));
  if (event.target.closest("[data-show]")) {
    done.add("predict");
    hero();
  }
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    visit(-1, link.search);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && at >= 0 && card.contains(document.activeElement)) close();
});
window.addEventListener("popstate", () => {
  const index = Number(new URLSearchParams(window.location.search).get("story") ?? 0) - 1;
  if (index === at || index >= steps.length) return;
  ended = false;
  at = Number.isInteger(index) ? Math.max(-1, index) : -1;
  if (at < 0) spotlight.off();
  draw();
});
const given = Number(asked.get("story") ?? 0);
if (Number.isInteger(given) && given >= 1 && given <= steps.length) {
  at = given - 1;
  if (!asked.has("page")) visit(at, steps[at].link, true);
  draw();
} else hero();
window.lxStory = { hero }; // the page "Start" calls it once it is there
