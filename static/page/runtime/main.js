// Builds the page: components, listeners, and what answers them in place of a server. `site` is made by
// static/page/site.py:
//   parts       [{id, kind, value, name, ...}] of all components with a value
//   listeners   [{targets, inputs, outputs, after, run}]
//   scripts     [{id, given, run}] of HTML components, in Gradio's order
//   ids         numbers of components by their id in the document
//   explore     fixed settings of the live panel
//   version     of the page and all its files
//   download    see take_along.js
//   fixed       numbers of the controls that stay as they are
//   recorded    [{inputs: [id], outputs: [id], targets: [[id, event]], answers: {JSON of the inputs: values}}]
function startPage(site) {
  const { ids, explore } = site, parts = makeParts(site.parts), components = makeHtmlComponents(parts), tabs = makeTabs(parts);
  const factorsOf = factorsOfSpecs(explore.affine);
  const shipped = shippedAnswers(site.shipped, factorsOf);
  const engine = lazyEngine(document.getElementById("lx-engine"), site.engine);
  let begin;
  const opened = new Promise((resolve) => (begin = resolve));
  const source = browserSource(shipped, engine, site.source, factorsOf);
  const pictures = pictureAnswers(source, engine, shipped, site.pictures, factorsOf);
  const values = () => explore.moves.map((at) => window.lxAddress.values()[at]);
  const whole = async (given) => (given && !given.includes(undefined) ? given : opened); // a link sets one control at a time
  window.lxSource = () => ({
    known: async (given) => source.known(await whole(given)),
    async *stream(given, signal) {
      yield* source.stream(await whole(given), signal);
    },
  });

  // In place of the server's listeners.
  const now = () => source.here(values());
  const asking = {};
  function latest(name, answer, tell) { // answers may overtake each other
    const mine = (asking[name] = {});
    answer.catch((problem) => ({ error: problem.message })).then((said) => asking[name] === mine && tell(said));
  }
  parts.on(ids["lx-pictures"], "look", () => {
    const asked = JSON.parse(components.props(ids["lx-pictures"]).value), spec = now();
    const answer = asked.confuse ? pictures.confuse(spec, asked.confuse, site.words.confusion) : pictures.look(spec, asked.at);
    latest("look", answer, (said) => window.linesPictures.tell({ ...asked, ...said }));
  });
  parts.on(ids["lx-own"], "ask", () => {
    const asked = JSON.parse(components.props(ids["lx-own"]).value);
    latest("own", pictures.own(now(), asked), (said) => window.linesOwnPicture(said));
  });
  parts.on(ids["lx-head-live"], "pin", () => {
    parts.set(ids["lx-pins"], changedPins(parts.get(ids["lx-pins"]), now(), window.lxUnpinned));
    window.lxUnpinned = "";
  });
  for (const [name, place] of Object.entries(explore.presets)) {
    const id = ids[`lx-preset-${name}`];
    parts.node(id).addEventListener("click", () => {
      const gamma = shipped.landmarks[now().checkpoint].tuned ?? explore.paper_gamma;
      window.lxGo({ alpha: gamma, beta: place.shape === "flat" ? 0 : 1 - gamma, ...place });
    });
  }
  recordedAnswers(site.recorded, parts, components, site.words);
  const noted = new Set();
  for (const id of site.fixed) {
    const root = parts.node(id), panel = root?.closest("[role=tabpanel]");
    if (!root || root.hidden && !root.querySelector("input, select")) continue;
    root.classList.add("lx-fixed");
    for (const input of root.querySelectorAll("input, select")) input.disabled = true;
    if (noted.has(panel) || !panel) continue;
    noted.add(panel);
    (root.closest(".lx-head, .form") ?? root).before(Object.assign(document.createElement("p"), { className: "lx-note", textContent: site.words.fixed }));
  }
  for (const one of document.querySelectorAll("button[data-part]")) one.addEventListener("click", () => parts.fire(Number(one.dataset.part), "click"));
  wireListeners(parts, site.listeners);

  const notice = document.getElementById("lx-notice");
  const link = { ...site.link, names: Object.fromEntries(site.parts.map((part) => [part.id, part])), words: site.words };
  const open = makeLinkReader(link, {
    parts, tabs,
    notice(complaints) {
      notice.hidden = !complaints.length;
      notice.replaceChildren(...complaints.map((said) => Object.assign(document.createElement("p"), { textContent: said })));
    },
    fits: factorsOf,
    start(values) {
      const at = (name) => site.link.controls.indexOf(ids[name]);
      return [[at("lx-gamma"), shipped.landmarks[values[at("lx-checkpoint")]]?.tuned ?? explore.paper_gamma]];
    },
  });
  parts.on(ids["lx-address"], "visit", () => open(true));
  for (const { id, given, run } of site.scripts) components.mount(id, given, run);
  open(false);
  begin(values());
  keepOffline(site.version);
  takeAlong(document.querySelector(".lx-edition"), site.download, site.version);
}
