// The components of the page: their values, how they look, and their events, as far as Gradio has them.
//   described  [{id, kind, value, choices}] of all components that have a value, whether they are shown or not
// Returns {get(id), set(id, value), update(id, {value, visible, label, info, choices, open, selected, interactive}),
// on(id, event, listener), fire(id, event), node(id)}.
function makeParts(described) {
  const parts = new Map(described.map((one) => [one.id, one])), listeners = new Map();
  const node = (id) => document.querySelector(`[data-part="${id}"]`);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  const inputs = {
    slider: (root) => ({ read: () => Number(root.querySelector("input[type=range]").value), write: (value) => {
      for (const input of root.querySelectorAll("input")) input.value = value;
      const range = root.querySelector("input[type=range]");
      range.style.setProperty("--range_progress", `${(100 * (range.value - range.min)) / (range.max - range.min)}%`);
    } }),
    number: (root) => plain(root.querySelector("input"), (text) => (text === "" ? null : Number(text))),
    textbox: (root) => plain(root.querySelector("input"), String),
    dropdown: (root) => plain(root.querySelector("select"), String),
    checkbox: (root) => ({ read: () => root.querySelector("input").checked, write: (on) => (root.querySelector("input").checked = on) }),
    radio: (root) => ({ read: () => chosen(root)[0] ?? null, write: (value) => choose(root, [value]) }),
    checkboxgroup: (root) => ({ read: () => chosen(root), write: (value) => choose(root, value) }),
  };
  const plain = (input, of) => ({ read: () => of(input.value), write: (value) => (input.value = value ?? "") });
  const chosen = (root) => [...root.querySelectorAll("input:checked")].map((input) => JSON.parse(input.value));
  function choose(root, values) {
    for (const input of root.querySelectorAll("input")) input.checked = values.some((value) => same(value, JSON.parse(input.value)));
  }
  const form = (id) => {
    const root = node(id), { kind } = parts.get(id) || {};
    return root && inputs[kind] ? inputs[kind](root) : null;
  };

  function fire(id, event) {
    for (const listener of listeners.get(`${id} ${event}`) || []) listener();
  }
  function on(id, event, listener) {
    const name = `${id} ${event}`;
    listeners.set(name, [...(listeners.get(name) || []), listener]);
  }
  function set(id, value) {
    const part = parts.get(id);
    if (!part || same(part.value, value)) return;
    part.value = value;
    form(id)?.write(value);
    fire(id, "change");
  }
  function update(id, { value, visible, label, info, choices, open, interactive }) {
    const root = node(id);
    if (root) {
      if (visible !== undefined) root.hidden = visible !== true;
      if (label !== undefined) (root.querySelector('[data-testid="block-info"]') || root).textContent = label;
      if (info !== undefined && root.querySelector(".lx-info")) root.querySelector(".lx-info").textContent = info;
      if (open !== undefined) root.open = open;
      if (interactive !== undefined) root.disabled = !interactive;
      const select = root.querySelector(":scope > select");
      if (choices && select) select.replaceChildren(...choices.map(([title, key]) => new Option(title, key)));
    }
    if (value !== undefined) set(id, value);
  }

  for (const part of described) {
    const root = node(part.id), control = form(part.id);
    if (!control) continue;
    control.write(part.value);
    root.addEventListener("input", ({ target }) => {
      if (part.kind === "slider" && target.type === "number") {
        const value = Number(target.value.replace(",", "."));
        if (target.value === "" || !(value >= Number(target.min) && value <= Number(target.max))) return; // see number_fields.js
        root.querySelector("input[type=range]").value = value;
      }
      const value = control.read();
      if (same(part.value, value)) return;
      part.value = value;
      if (target.type !== "number") control.write(value);
      fire(part.id, "input");
      fire(part.id, "change");
    });
    root.addEventListener("focusout", () => control.write(part.value));
  }
  return { get: (id) => parts.get(id)?.value ?? null, set, update, on, fire, node };
}
