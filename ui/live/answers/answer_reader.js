// Makes of an answer (ui/explore/explore_json.schema.json: counts, and what they are of) what `exploreView` draws:
// accuracies with their intervals, schedules, roles, words. It is the same for the answers of the server and of an engine
// in the browser.
//   settings  {words, roles, affine, presets, paper_gamma}, made by ui/explore/explore_charts.py
// Returns {read(answer), held()}: `read` gives null for numbers whose landmarks are not known; `held` are the ids of
// landmarks that need not be sent again.
const KEPT_LANDMARKS = 64;

function answerReader({ words, roles, affine, presets, paper_gamma }) {
  const landmarks = new Map();
  const factorsOf = factorsOfSpecs(affine);

  function accuracies(tasks, counts) {
    const of = (target) => counts.filter((_, i) => (tasks[i].role === "target") === target);
    const detailed = tasks.map((task, i) => {
      const [correct, n] = counts[i], [low, high] = wilson(counts[i]);
      return { ...task, correct, n, low, high };
    });
    return { tasks: detailed, target: accuracyOf(of(true)), control: accuracyOf(of(false)), counts: { target: of(true), control: of(false) } };
  }

  // Landmarks come once for each model, checkpoint and split; later answers only name them.
  function keep({ id, tasks, anchors, paths, ...rest }) {
    if (tasks) {
      const anchor = (role) => ({ role, name: roles[role].title, edit: anchors[role].edit, ...accuracies(tasks, anchors[role].counts) });
      const point = (role) => ({ edit, counts }) => ({ name: fillIn(words[`path_${role}`], { mix: shortly(edit.mix), gamma: shortly(edit.alpha) }), edit, ...accuracies(tasks, counts) });
      landmarks.set(id, {
        id, tasks, ...rest,
        anchors: ["pretrained", "finetuned"].filter((role) => anchors[role]).map(anchor),
        paths: paths.map(({ role, whole, points }) => ({ role, whole, points: points.map(point(role)) })),
      });
      if (landmarks.size > KEPT_LANDMARKS) landmarks.delete(landmarks.keys().next().value);
    }
    return landmarks.get(id);
  }

  function presetAt(spec, factors, tuned) {
    const gamma = tuned ?? paper_gamma;
    const at = ({ shape, outside, alpha = gamma, beta = 1 - gamma, mix }) => bentFactors(affine, spec.model, shape, outside, alpha, beta, mix);
    return Object.keys(presets).find((name) => sameFactors(at(presets[name]), factors)) ?? null;
  }

  function pinOf(pin, factors, tasks) {
    const { letter, about } = pin, name = settingWords(pin.spec, words);
    if (about) return { letter, name: `${about}, ${name}`, link: linkOf(pin.spec) };
    const itsFactors = factorsOf(pin.spec), here = sameFactors(itsFactors, factors);
    const shown = { letter, name, here, role: roleOf(itsFactors), edit: editOf(pin.spec), factors: itsFactors };
    if (!pin.counts) return shown;
    const { target, control } = accuracies(tasks, pin.counts);
    return { ...shown, target, control, tasks: pin.counts, ...(pin.pairs && !here ? { difference: differenceTo(pin.pairs, tasks) } : {}) };
  }

  // This edit minus a pin, image by image, as [value, low, high].
  function differenceTo(pairs, tasks) {
    const of = (chosen) => {
      const { value, low, high } = pairedDifferenceOf(pairs.filter((_, i) => chosen(tasks[i], i)));
      return [value, low, high];
    };
    const isTarget = ({ role }) => role === "target";
    return { target: of(isTarget), control: of((task) => !isTarget(task)), tasks: tasks.map((_, i) => of((_, j) => i === j)) };
  }

  function read(answer) {
    if (!answer.evaluation) return answer;
    const still = keep(answer.landmarks);
    if (!still) return null;
    const { spec, counts, total, ...rest } = answer.evaluation, { tasks } = still, factors = factorsOf(spec);
    const seen = counts.reduce((sum, [, n]) => sum + n, 0), found = accuracies(tasks, counts);
    const role = roleOf(factors), counted = rest.complete ? 1 : Math.min(1, seen / total);
    const names = { task: still.named, others: still.shifts ? words.shifts : words.others };
    const model = { ...found.counts, complete: rest.complete, role };
    const references = ["pretrained", "finetuned"].map((one) => still.anchors.find((anchor) => anchor.role === one)?.counts);
    const images = fillIn(words[!spec.images ? "all_images" : counts.every(([, n]) => n === spec.images) ? "each_images" : "most_images"], {
      each: spec.images.toLocaleString("en-US"), seen: seen.toLocaleString("en-US"), split: words[`split_${spec.split}`],
    });
    const evidence = fillIn(rest.complete ? (rest.precomputed ? words.precomputed : words.measured) : words.counting, {
      seen: seen.toLocaleString("en-US"), total: total.toLocaleString("en-US"),
      images, seconds: rest.seconds.toFixed(1), place: words[`place_${rest.device}`] ?? "",
    });
    return {
      ...answer,
      words: {
        sentence: verdictOf(model, ...references, names, words),
        evidence: `${still.about}, ${editWords(spec, words)}: ${evidence}`,
        controls: fillIn(still.shifts ? words.controls_shifts : words.controls_others, { count: found.counts.control.length }),
        setting: settingWords(spec, words),
      },
      evaluation: { ...rest, spec, file: fileName(spec, words, still.tasks), role, factors, counted, tasks: found.tasks, target: found.target, control: found.control },
      landmarks: still,
      preset: presetAt(spec, factors, still.tuned),
      pins: (answer.pins || []).map((pin) => pinOf(pin, factors, tasks)),
    };
  }
  return { read, held: () => [...landmarks.keys()].join(" ") };
}

// Kind of an edit, which decides its colour and marker: nothing of the change is left, all of it is, every part has the
// same factor, the schedule falls with depth, or it rises.
function roleOf(factors) {
  const near = (value) => factors.every((factor) => Math.abs(factor - value) < 1e-9);
  if (near(0)) return "pretrained";
  if (near(1)) return "finetuned";
  if (near(factors[0])) return "wise_ft";
  return factors[1] > factors.at(-2) ? "reverse" : "lines";
}

const sameFactors = (one, other) => one.every((factor, i) => Math.abs(factor - other[i]) < 1e-9);

// What the controls need to go there.
const editOf = ({ shape, alpha, beta, outside, mix, free_form }) => ({ shape, alpha, beta, outside, mix, ...(free_form ? { free_form } : {}) });

// The part of the link that sets the controls to a position of another model or checkpoint.
function linkOf({ model, checkpoint, shape, alpha, beta, mix, outside, free_form }) {
  const numbers = free_form ? { free: free_form.join() } : { alpha, beta };
  return new URLSearchParams({ model, task: checkpoint, shape, ...numbers, mix, outside }).toString();
}
