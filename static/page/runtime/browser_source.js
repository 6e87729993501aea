// Answers to the moves of Explore without a server, as a source of ui/live/following.js: what ships is known at once,
// everything else is counted by the engine in this browser, chunk by chunk. Both functions take the values of the
// controls of Explore, and the version that answers are to have.
//   shipped, engine   see shipped_answers.js and lazy_engine.js
//   settings          {images: number a task, pictures: how many of them the strip shows, words}
function browserSource(shipped, engine, { images, pictures, words }, factorsOf) {
  const counted = new Map(), KEPT = 400;
  let newest = 0;
  const keyOf = (spec) => [spec.checkpoint, spec.split, ...factorsOf(spec).map((factor) => factor.toFixed(9))].join(" ");
  const here = (values) => specOf(values, images);
  const pinsOf = (values) => readPins(values[10] || "", images).filter(({ spec }) => factorsOf(spec)); // as a link says them

  function keep(spec, result) {
    counted.set(keyOf(spec), result);
    if (counted.size > KEPT) counted.delete(counted.keys().next().value);
  }

  // A pin's counts, and how many images only one of it and the edit names correctly, as far as they are known.
  async function pinOf({ letter, spec }, edit, mine) {
    const plain = { letter, spec };
    if (spec.checkpoint !== edit.checkpoint) return { ...plain, about: shipped.landmarks[spec.checkpoint]?.about ?? spec.checkpoint };
    const found = counted.get(keyOf(spec)) ?? (await shipped.at(spec).catch(() => null));
    if (!found) return plain;
    if (!found.predicted || !mine.predicted) return { ...plain, counts: found.counts };
    const pairs = found.predicted.map((row, task) => {
      const right = (said, i) => said[i] === found.labels[task][i], now = mine.predicted[task];
      const rows = [...row.keys()];
      return [rows.filter((i) => !right(row, i) && right(now, i)).length, rows.filter((i) => right(row, i) && !right(now, i)).length, row.length];
    });
    return { ...plain, counts: found.counts, pairs };
  }

  async function answer(values, spec, found, version, { complete = true, precomputed = false } = {}) {
    const strip = found.pictured.every((row) => row.length) ? shipped.pictures(spec, found.pictured) : null;
    const pins = await Promise.all(pinsOf(values).map((pin) => pinOf(pin, spec, found)));
    return {
      schema: 2, version, state: complete ? "complete" : "partial", key: keyOf(spec), asked: [spec.model, spec.checkpoint],
      evaluation: {
        spec, counts: found.counts, total: images * found.counts.length, complete, precomputed,
        seconds: found.seconds, dtype: "float32", device: "browser",
      },
      landmarks: shipped.landmarks[spec.checkpoint], pictures: strip, pins,
    };
  }
  const says = (state, kind, text, values, version) =>
    ({ schema: 2, version, state, key: "", asked: values.slice(0, 2), words: { [kind]: text } });

  // Counts a spec on the engine and yields what is found so far.
  async function* count(spec, signal) {
    const model = await engine.ready();
    if (signal.aborted) return;
    const begin = performance.now(), { tasks } = shipped.landmarks[spec.checkpoint], suite = suiteOf(model, spec.checkpoint);
    const split = suite.splits[spec.split], place = tasks.map(({ key }) => split.tasks.indexOf(key));
    const labels = place.map((at) => split.labels[at]);
    for await (const part of model.count({ checkpoint: spec.checkpoint, split: spec.split, factors: Float32Array.from(factorsOf(spec)), signal })) {
      const predicted = place.map((at) => part.predicted[at]);
      const found = {
        counts: place.map((at) => [part.correct[at], part.n[at]]), predicted, labels,
        pictured: predicted.map((row) => [...row.slice(0, pictures)]), seconds: (performance.now() - begin) / 1000,
      };
      if (part.done === part.total) keep(spec, found);
      yield { found, complete: part.done === part.total };
    }
  }

  return {
    here,
    count,
    known: async (values, version = ++newest) => {
      const spec = here(values);
      if (!factorsOf(spec)) return null;
      const mine = counted.get(keyOf(spec)), known = mine ?? (await shipped.at(spec).catch(() => null)); // `stream` says what is wrong
      return known && answer(values, spec, known, version, { precomputed: !mine });
    },
    stream: async function* stream(values, signal, version = ++newest) {
      const spec = here(values), pins = pinsOf(values);
      if (!factorsOf(spec)) {
        yield says("error", "sentence", words.misfit, values, version);
        return;
      }
      try {
        const beside = pins.map((pin) => pin.spec).filter((pin) => pin.checkpoint === spec.checkpoint);
        const missing = (beside.length ? [spec, ...beside] : (await shipped.at(spec)) ? [] : [spec]).filter((one) => !counted.has(keyOf(one)));
        if (!missing.length || signal.aborted) return;
        if (!engine.wanted()) yield says("waiting", "line", words.waiting, values, version);
        for (const one of missing) {
          for await (const { found, complete } of count(one, signal)) if (one === spec) yield answer(values, spec, found, version, { complete });
          if (signal.aborted) return;
        }
        const mine = counted.get(keyOf(spec));
        if (beside.length && mine) yield answer(values, spec, mine, version);
      } catch (problem) {
        if (signal.aborted) return;
        const missing = !engine.wanted(); // the visitor may load it yet
        const [state, kind] = (await shipped.at(spec).catch(() => null)) ? ["waiting", "line"] : ["error", "sentence"];
        yield says(state, kind, problem.message, values, version);
        if (missing) await engine.loaded;
        if (missing && !signal.aborted) yield* stream(values, signal, version);
      }
    },
  };
}

// Tasks, classes and images that a checkpoint is counted on.
const suiteOf = ({ manifest }, checkpoint) => manifest.suites[manifest.checkpoints[checkpoint].suite];
