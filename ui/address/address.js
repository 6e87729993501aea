// The address bar always says which page is open and what its controls are set to. Python gives `pages` (title of
// each page by key, the first one is opened without a parameter) and `opens` (key -> trigger of its event) before
// this code, and in `props.fixed` rows {page, name, at, start, only: [at, value]}: `at` is the place of a control in
// the list of all values, `page` is empty for what every page has.
// Back and forward step through settled states: an entry is pushed once the controls rest. What the server sets in
// answer to a visitor's choice, such as the tasks of another model, belongs to the entry of that choice.
const QUIET = 400; // milliseconds without a move after which the controls rest
const first = Object.keys(pages)[0], home = document.title;
const { rows } = JSON.parse(props.fixed);
let values = [], page = first, restoring = true, resting = null, settled = "", held = false;
let acted = false; // the visitor, since the controls rested
let during = []; // pages that were opened while a link was restored, by that or by the visitor
const moving = new Set(); // controls that moved meanwhile: what Gradio gathered before is older
let visits = 0, sought = { visit: 0, search: null }, found = 0; // places gone to; the link asked for; the visit last read

const said = (value) => Array.isArray(value) ? value.join(",")
  : typeof value === "number" ? String(Math.round(1e6 * value) / 1e6) : String(value);

// One chart alone, for a lecture hall or an iframe (presentation.css), with a link to the whole page.
const alone = new URLSearchParams(window.location.search);
for (const name of ["present", "embed"]) {
  const chart = alone.get(name) === "1" ? "tradeoff" : alone.get(name);
  if (!alone_charts.includes(chart)) continue;
  document.body.dataset[name] = chart;
  const whole = Object.assign(document.createElement("a"), { className: "lx-alone", textContent: `${home} ↗` });
  if (name === "embed") Object.assign(whole, { target: "_blank", rel: "noopener" });
  whole.href = window.location.href;
  const aim = () => {
    const link = new URL(window.lxAddress.link());
    link.searchParams.delete(name);
    whole.href = link;
  };
  for (const event of ["click", "auxclick", "focus", "pointerenter"]) whole.addEventListener(event, aim);
  document.body.append(whole);
}

function query() {
  const link = new URLSearchParams(window.location.search);
  for (const name of ["page", ...rows.map((row) => row.name)]) link.delete(name);
  link.set("page", page);
  for (const row of rows) {
    if (row.page && row.page !== page) continue;
    if (row.only && values[row.only[0]] !== row.only[1]) continue;
    if (values[row.at] === null) continue; // a choice that has nothing to choose from
    const start = row.starts?.[1][values[row.starts[0]]] ?? row.start;
    if (start === null || said(values[row.at]) !== said(start)) link.set(row.name, said(values[row.at]));
  }
  return link.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

const address = (link) => window.location.pathname + (link ? "?" + link : "") + window.location.hash;

function settle() {
  clearTimeout(resting);
  resting = null;
  const link = query();
  if (restoring || link === settled) return mark();
  settled = link;
  const chosen = acted;
  acted = false;
  if (chosen || page !== settledPage) return push(link, page === settledPage ? steps() + 1 : 0);
  window.history.replaceState(window.history.state, "", address(link));
  mark();
}

// How many entries of the history before this one are of the same page: so far *Undo* goes.
const steps = () => window.history.state?.lxSteps || 0;
let settledPage = page;

function push(link, undoable) {
  settledPage = page;
  window.history.pushState({ ...window.history.state, lxSteps: undoable }, "", address(link));
  mark();
}

function mark() {
  for (const button of document.querySelectorAll("#lx-undo")) button.disabled = !resting && !steps();
}

function undo() {
  if (resting) settle();
  if (steps()) window.history.back();
}

// Everything on the page as a link without settings has it; what it keeps is no setting.
function reset() {
  if (resting) settle();
  const link = new URLSearchParams(window.location.search);
  for (const row of rows) if ((!row.page || row.page === page) && !kept.includes(row.name)) link.delete(row.name);
  push(link.toString().replaceAll("%2C", ","), steps() + 1);
  begin();
}

// Asks for what the address says now.
function begin() {
  restoring = true;
  visits++;
  trigger("visit");
}

function show(name) {
  page = name;
  document.title = name === first ? home : `${pages[name]} · ${home}`;
}

window.lxAddress = {
  values: () => values,
  // How often any control has moved.
  moves: 0,
  // Places of the controls that a link set last, not a visitor.
  linked: new Set(),
  // A control of any page has moved; "lx-moved" says which one.
  moved(at, value) {
    this.linked[restoring || said(values[at] ?? "") === said(value) ? "add" : "delete"](at);
    values[at] = value;
    this.moves++;
    if (restoring) moving.add(at);
    window.dispatchEvent(new Event("lx-named"));
    window.dispatchEvent(new CustomEvent("lx-moved", { detail: at }));
    clearTimeout(resting);
    if (restoring || held) return;
    resting = setTimeout(settle, QUIET);
    mark();
  },
  // While held, moves are no states of their own: something plays.
  hold(on) {
    held = on;
    clearTimeout(resting);
    resting = on || restoring ? null : setTimeout(settle, QUIET);
  },
  // A page has been opened.
  opened(name, given) {
    if (resting) settle();
    values = given;
    window.dispatchEvent(new Event("lx-named"));
    if (name === page) return;
    show(name);
    if (restoring) {
      during.push(name);
      return; // its event follows once the link is restored
    }
    settle();
    opens[name]();
  },
  // The link that the server is asked to read.
  asks() {
    sought = { visit: visits, search: window.location.search };
    return sought.search;
  },
  // What the server has read in a link, which sets the page and its controls: nothing if the visitor has gone on to another
  // place meanwhile, where its answer would be written into the link of that.
  read(text) {
    const { search, values: said } = JSON.parse(text);
    const late = !restoring || sought.visit !== visits || ![null, search].includes(sought.search);
    if (late) return said.map(() => ({ __type__: "update" }));
    found = visits;
    return said;
  },
  // Gradio has set them.
  set(name, given) {
    if (restoring && found === visits) this.restored(name, given);
  },
  // The controls are as the link says; `name` is empty if it says nothing.
  restored(name, given) {
    values = given.map((value, at) => (moving.has(at) ? values[at] : value));
    moving.clear();
    window.dispatchEvent(new Event("lx-named"));
    show(name || page);
    restoring = false;
    const wish = during.filter((one) => one !== name).pop(); // a visitor was faster than the link
    during = [];
    if (name && wish) setTimeout(() => document.getElementById(`lx-page-${wish}-button`)?.click());
    settled = query();
    settledPage = page;
    if (name || page !== first) window.history.replaceState(window.history.state, "", address(settled));
    mark();
    opens[page]();
  },
  // Opens another place as back and forward would: `place` is what its link says; what the link keeps stays.
  visit(place) {
    if (resting) settle();
    const link = new URLSearchParams(window.location.search);
    for (const row of rows) if (!kept.includes(row.name)) link.delete(row.name);
    for (const [name, said] of new URLSearchParams(place)) link.set(name, said);
    push(link.toString(), 0);
    begin();
  },
  // The link of the present state, for the clipboard and the QR code.
  link() {
    if (resting) settle();
    return window.location.origin + address(query());
  },
  // That link with one chart alone; `name` is "present" or "embed".
  alone(name) {
    const link = new URL(this.link());
    link.searchParams.set(name, 1);
    return link.href;
  },
};
window.addEventListener("popstate", () => {
  clearTimeout(resting);
  resting = null;
  begin();
});
for (const event of ["pointerdown", "keydown", "click", "input"])
  document.addEventListener(event, () => { acted = true; }, true);
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("#lx-undo")) undo();
  if (target.closest?.("#lx-reset")) reset();
});
document.addEventListener("keydown", (event) => {
  const typing = "input:not([type=range], [type=checkbox], [type=radio], [readonly]), textarea, [contenteditable]";
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (event.target.closest?.(typing)) return;
  event.preventDefault();
  undo();
});
