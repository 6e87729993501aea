// Sets the page to what a link says, as the server does for the Gradio page (ui/explore/share_link.py).
//   link   {rows, controls, pages, home}: rows of address.js, the components at their places, keys of the pages, and the
//          page of a link that names none
//   parts, tabs, notice(complaints)
//   fits(spec)     whether a schedule has a factor for each block
//   start(values)  what the link leaves out and no row has a start value for: [[place, value]]
function makeLinkReader({ rows, controls, pages, home, names, words }, { parts, tabs, notice, fits, start }) {
  const initial = controls.map(parts.get);

  // The value that a text says for a component; undefined if it is none.
  function read(id, said) {
    const { kind, min, max, choices, multiple } = names[id], keys = (choices || []).map(([, key]) => String(key));
    if (kind === "slider" || kind === "number") {
      const value = said.trim() === "" ? NaN : Number(said);
      return value >= (min ?? -Infinity) && value <= (max ?? Infinity) ? value : undefined;
    }
    if (kind === "checkbox") return { true: true, false: false }[said];
    if (multiple) return said.split(",").every((key) => keys.includes(key)) ? said.split(",") : undefined;
    return kind === "textbox" || keys.includes(said) ? said : undefined;
  }

  // The pins of a text that this page can show, as such a text, and complaints about the others (ui/explore/pins.py).
  function readablePins(said) {
    const kept = [], complaints = [], control = (name) => controls[rows.find((row) => row.name === name).at];
    for (const entry of said.slice(0, 1000).split(",").filter(Boolean)) {
      const [pin] = readPins(entry, 0), { letter, spec } = pin ?? {}, numbers = spec?.free_form ? [] : ["alpha", "beta"];
      const may = (name, value) => read(control(name), String(value)) !== undefined;
      if (!pin || kept.some((one) => one.letter === letter) || !["shape", "outside", "mix", ...numbers].every((name) => may(name, spec[name]))) {
        complaints.push(fillIn(words.pin_damaged, { said: entry.slice(0, 60) }));
      } else if (!may("model", spec.model) || !may("task", spec.checkpoint) || !fits(spec)) {
        const { model, checkpoint } = spec;
        complaints.push(fillIn(words.pin_gone, { letter, model: model.slice(0, 60), checkpoint: checkpoint.slice(0, 60) }));
      } else kept.push(pin);
    }
    return [pinsText(kept), complaints];
  }

  return function open(always) {
    const query = new URLSearchParams(window.location.search);
    const known = ["page", "present", "embed", ...rows.map(({ name }) => name)].filter((name) => query.has(name));
    const complaints = [], values = [...initial], alone = ["present", "embed"].some((name) => name in document.body.dataset);
    for (const name of known) if (new Set(query.getAll(name)).size > 1) complaints.push(fillIn(words.twice, { name, said: query.get(name).slice(0, 60) }));
    let page = alone ? home : query.get("page");
    if (page && !pages.includes(page)) complaints.push(fillIn(words.unknown, { name: "page", said: page.slice(0, 60), known: pages.join(", ") }));
    if (!pages.includes(page)) page = known.length ? home : pages[0];
    const own = rows.filter((row) => !row.page || row.page === page);
    for (const { name, at, only } of own) {
      if (!query.has(name)) continue;
      if (name === "pins") {
        const [kept, wrong] = readablePins(query.get(name));
        values[at] = kept;
        complaints.push(...wrong);
        continue;
      }
      const value = read(controls[at], query.get(name));
      if (value === undefined) {
        const { min, max, choices } = names[controls[at]];
        const range = choices ? choices.map(([, key]) => key).join(", ") : `${min} … ${max}`;
        complaints.push(fillIn(words.unknown, { name, said: query.get(name).slice(0, 60), known: range }));
        continue;
      }
      values[at] = value;
      if (only) values[only[0]] = only[1];
    }
    for (const [at, value] of start(values)) if (!own.some((row) => row.at === at && query.has(row.name))) values[at] = value;
    notice(complaints);
    controls.forEach((id, at) => parts.set(id, values[at]));
    tabs.open(page);
    window.lxAddress.restored(known.length || always ? page : "", controls.map(parts.get));
  };
}
