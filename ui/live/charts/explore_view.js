// The live panel of "Explore", drawn into `root` from answers as ui/live/answers/answer_reader.js reads them. It knows
// neither Gradio nor the network: whoever has answers calls `draw`.
//   settings  {charts: [{name, title, note}], words, roles}, made by ui/explore/explore_charts.py
//   actions   {go, pin, visit}: go(edit) is called when a measured model was chosen, with {shape, alpha, beta, outside,
//             mix}, or a bar was dragged, with {shape: "free", free_form: factors of the blocks, mix}; pin and visit as
//             pin_table.js says
// Returns {draw(answer), bend(factors), ride(gamma), blocks(), answer}: `bend` shows a schedule before its answer is
// there, null ends that; `ride` puts a ring on the gamma curve; `blocks` are the factors shown of the blocks.
const KEPT_TRAIL = 40;

function exploreView(root, settings, actions) {
  const { words } = settings;
  const slot = (name, attributes) => html("div", { "data-slot": name, ...attributes });
  const line = slot("line", { class: "lx-line", role: "status" }), sentence = slot("sentence");
  const tilesNode = slot("tiles"), tableNode = slot("table", { class: "lx-hidden" });
  const pinsNode = slot("pins"), pinned = pinTable(pinsNode, settings, actions);
  const charts = {};
  const grid = html("div", { class: "lx-grid lx-head-grid" }, ...settings.charts.map(({ name, title, note }) => {
    const role = name === "schedule" ? "group" : "img"; // what is in an image cannot be operated
    const node = html("div", { class: "lx-chart", role, "aria-label": title, "data-chart": name });
    const around = html("div", { class: "lx-plot" }, node);
    charts[name] = { node, around, tip: detailTip(around) };
    const heading = html("figcaption", {}, html("h3", { class: "lx-title" }, title), html("span", { class: "lx-note" }, withTerms(note)));
    if (name === "tradeoff") heading.append(pinned.button);
    return html("figure", { class: `lx-card lx-${name}` }, heading, around);
  }));
  grid.querySelectorAll("figure").forEach((figure) => window.lxChartFiles?.add(figure, shown));
  root.replaceChildren(line, sentence, tilesNode, slot("pictures"), grid, pinsNode, tableNode);

  const verdict = verdictLines(sentence, line);
  const tiles = accuracyTiles(tilesNode, settings);
  const tables = numberTables(tableNode, settings);
  const tradeoff = tradeoffChart(charts.tradeoff.node, charts.tradeoff.around, charts.tradeoff.tip, settings, actions.go);
  const tasks = taskBars(charts.tasks.node, charts.tasks.tip, settings);
  const trails = new Map();
  const view = { draw, bend, ride: tradeoff.ride, shown, blocks: () => factorsShown.slice(1, -1).map(nearFactor), answer: null, landmarks: null };
  let bent = null, newest = -1, factorsShown = [], kept = []; // kept: the pins of the model and checkpoint that are shown
  const handles = barHandles(charts.schedule.node, words, (block, value) => {
    const free_form = view.blocks();
    free_form[block] = value;
    bend([factorsShown[0], ...free_form, factorsShown.at(-1)]);
    actions.go({ shape: "free", free_form, mix: 1 });
  });

  // Positions that the visitor rested at: they belong to one model, checkpoint and split.
  function trailOf({ spec, complete, target, control }, setting) {
    const name = [spec.model, spec.checkpoint, spec.split].join("/");
    if (!trails.has(name)) trails.set(name, []);
    const places = trails.get(name), last = places.at(-1), { shape, alpha, beta, outside, mix, free_form } = spec;
    const edit = { shape, alpha, beta, outside, mix, free_form }, id = JSON.stringify(edit);
    const place = { target, control, edit, id, name: fillIn(words.visited, { setting }) };
    if (complete && !(last && last.id === id)) places.push(place);
    if (places.length > KEPT_TRAIL) places.shift();
    return places;
  }

  function schedule(factors, role) {
    const labels = ["in", ...factors.slice(2).map((_, i) => String(i + 1)), "out"], { node } = charts.schedule;
    makeBars(node, labels);
    factorsShown = factors;
    setBars(node, factors, kept.flatMap((pin) => pin.factors));
    handles.show(factors.slice(1, -1));
    outlineSchedule(node, kept);
    if (role) node.style.setProperty("--bar", `var(--c-${role})`);
    const [before, ...blocks] = factors.map((factor) => factor.toFixed(2)), after = blocks.pop();
    node.setAttribute("aria-label", fillIn(words.schedule_alt, { blocks: blocks.join(", "), count: blocks.length, before, after }));
    return labels;
  }

  function bend(factors) {
    bent = factors;
    if (factors) schedule(factors);
  }

  // What the charts show, for files; null while the schedule has moved on and its numbers are awaited.
  function shown() {
    const { answer, landmarks: still } = view;
    const moved = bent && answer && bent.some((factor, i) => Math.abs(factor - answer.evaluation.factors[i]) > 1e-4);
    return answer && !moved ? { evaluation: answer.evaluation, words: answer.words, landmarks: still } : null;
  }

  function draw(answer) {
    if (answer.version < newest) return;
    newest = answer.version;
    verdict.draw(answer.words || {}, answer.evaluation ? answer.evaluation.counted : 1);
    if (answer.evaluation) {
      const { evaluation, pins } = view.answer = answer, known = (view.landmarks = answer.landmarks);
      kept = pins.filter((pin) => pin.edit);
      const labels = schedule(bent || evaluation.factors, evaluation.role);
      tradeoff.draw(evaluation, known, trailOf(evaluation, answer.words.setting), kept);
      tasks.draw(evaluation, known.anchors);
      outlineTasks(charts.tasks.node, evaluation.tasks, placed(kept));
      pinned.draw(evaluation, pins, answer.words);
      tiles.draw(evaluation, known.anchors.find((anchor) => anchor.role === "finetuned"), answer.words.controls);
      tables.draw(evaluation, known.anchors, labels);
    }
    Object.assign(root.dataset, { state: answer.state, key: answer.key || "", version: answer.version });
  }
  return view;
}
