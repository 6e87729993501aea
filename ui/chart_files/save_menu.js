// The button of every card that saves its chart: `add(figure, chart)` puts it beside the heading. `chart()` returns what
// chartRecord needs. Files are made in the browser; nothing is sent.
const KINDS = ["png", "svg", "csv"], SHARP = 2; // pixels of a PNG per pixel of the drawing
let menus = 0;

function add(figure, chart) {
  const { words } = fixed, id = `lx-save-${++menus}`, title = figure.querySelector(".lx-title").textContent;
  const make = (name, properties, ...inside) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...inside);
    return node;
  };
  const button = make("button", { type: "button", className: "lx-save-button" }, words.save);
  button.setAttribute("aria-label", filled(words.label, { title }));
  button.setAttribute("aria-controls", id);
  const said = make("span", { className: "lx-save-said" });
  said.setAttribute("role", "status");
  const choices = KINDS.map((kind) => make("button", { type: "button", onclick: () => choose(kind) }, words[kind]));
  const list = make("span", { id, className: "lx-save-list" }, ...choices, said);
  const menu = make("span", { className: "lx-save" }, button, list);
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", open);
    said.textContent = "";
  };
  async function choose(kind) {
    const record = chartRecord(figure, chart());
    if (!record) return (said.textContent = words.nothing);
    download(await contents(kind, record), `${record.name}.${kind}`);
    show(false);
    button.focus();
  }
  button.addEventListener("click", () => show(list.hidden));
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") show(false), button.focus();
    if (!step) return;
    event.preventDefault();
    if (list.hidden) show(true);
    choices[(choices.indexOf(document.activeElement) + step + choices.length + (step < 0 && !menu.contains(document.activeElement))) % choices.length].focus();
  });
  menu.addEventListener("focusout", ({ relatedTarget }) => menu.contains(relatedTarget) || show(false));
  show(false);
  figure.querySelector("figcaption").append(menu);
}

async function contents(kind, record) {
  if (kind === "csv") return new Blob([csvText(record.table)], { type: "text/csv;charset=utf-8" });
  const root = figureDocument(record, await record.draw());
  const drawing = new Blob([withoutSecret(new XMLSerializer().serializeToString(root))], { type: "image/svg+xml" });
  return kind === "svg" ? drawing : pixels(drawing, root.getAttribute("width"), root.getAttribute("height"));
}

async function pixels(drawing, width, height) {
  const address = URL.createObjectURL(drawing), image = new Image();
  try {
    image.src = address;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: SHARP * width, height: SHARP * height });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}

// Commas, a header, numbers with a point, lines end as RFC 4180 says; a cell that a spreadsheet would run is quoted text.
function csvText({ columns, rows }) {
  const cell = (value) => {
    if (typeof value === "number") return String(value);
    const text = withoutSecret(value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

window.lxChartFiles = { add };
