// The engine inside the worker: one live vector of weights, edited in place, and what is counted with it.
import { cutHeads, predict, probabilities } from "./classifier_heads.js";
import { clipTokenizer } from "./clip_tokenizer.js";
import { EngineError } from "./engine_error.js";
import { openFiles } from "./fetched_files.js";
import { graphSessions } from "./graph_sessions.js";
import { normaliser, planes } from "./image_sheets.js";
import { unpackWeights } from "./packed_vectors.js";
import { residualStore } from "./residual_store.js";
import { splitImages } from "./split_images.js";
import { writeEdit } from "./write_edit.js";

export async function editEngine({ base, threads }, report) {
  const files = await openFiles(base, report);
  const { manifest } = files, { model } = manifest, { image_size: side, features: width } = model;
  const sessions = graphSessions(files, { threads });
  const loading = files.unpack(manifest.pretrained.file).then((bytes) => unpackWeights(bytes, manifest.pretrained.form));
  const residual = residualStore(files, loading);
  const [pretrained] = await Promise.all([loading, sessions.images()]);
  const normalised = normaliser(model), live = new Float32Array(model.numel);
  let written = null, turns = Promise.resolve(), tokens = null;

  // Runs one piece of work at a time: there is one live vector, and the runtime takes no second call meanwhile.
  function turn(work) {
    const done = turns.then(work);
    turns = done.catch(() => {});
    return done;
  }

  // Loads once what a key stands for; after a failure the next call tries again.
  const known = new Map();
  function once(key, load) {
    if (!known.has(key)) known.set(key, load().catch((problem) => (known.delete(key), Promise.reject(problem))));
    return known.get(key);
  }

  const heads = (suite) => once(`heads ${suite}`, async () => {
    const { heads: file, tasks } = manifest.suites[suite];
    return cutHeads(await files.unpack(file), tasks, width);
  });

  function checked(factors) {
    const right = factors?.length === model.num_blocks + 2 && Array.from(factors).every(Number.isFinite);
    if (!right) throw new EngineError("request", `An edit has ${model.num_blocks + 2} finite factors.`);
    return Float32Array.from(factors);
  }

  // Features (n * D) of uint8 images (n, 3, S, S) under an edit.
  async function encode(checkpoint, factors, images) {
    const tau = await residual(checkpoint), run = await sessions.images();
    return turn(() => {
      const edit = `${JSON.stringify(checkpoint)} ${factors}`;
      if (written !== edit) {
        written = null;
        writeEdit(live, pretrained.values, tau, factors, model.bounds);
        written = edit;
      }
      return run({
        pixels: ["float32", normalised(images), [images.length / (3 * side * side), 3, side, side]],
        weights: ["float32", live, [model.numel]],
      });
    });
  }

  function suiteOf(checkpoint) {
    const key = typeof checkpoint === "string" ? checkpoint : checkpoint?.checkpoints?.[0];
    const listed = manifest.checkpoints[key];
    if (!listed) throw new EngineError("request", `There is no checkpoint ${key} here.`);
    return listed.suite;
  }

  // Counts chunk after chunk and yields after each what is counted so far.
  async function* count({ checkpoint, split, factors }) {
    const suite = suiteOf(checkpoint), described = manifest.suites[suite].splits[split];
    if (!described) throw new EngineError("request", `There are no ${split} images here.`);
    const edit = checked(factors), { tasks, labels, chunks } = described;
    const classifiers = await heads(suite);
    const name = `images ${suite} ${split}`;
    for (const other of known.keys()) if (other.startsWith("images") && other !== name) known.delete(other); // 11 MB each
    const chunk = await once(name, async () => splitImages(files, described, side));
    const predicted = labels.map((all, task) => {
      const classes = classifiers.get(tasks[task]).length / width;
      return new (classes <= 256 ? Uint8Array : Uint16Array)(all.length);
    });
    const correct = labels.map(() => 0), n = labels.map(() => 0);
    const total = labels.reduce((sum, all) => sum + all.length, 0);
    for (let number = 0, done = 0; number < chunks.length; number++) {
      const features = await encode(checkpoint, edit, await chunk(number));
      let image = 0;
      for (const [task, start, stop] of chunks[number]) {
        const weights = classifiers.get(tasks[task]);
        for (let i = start; i < stop; i++, image++) {
          predicted[task][i] = predict(weights, features, image, width);
          correct[task] += predicted[task][i] === labels[task][i];
        }
        n[task] = stop;
      }
      done += image;
      const so = predicted.map((all, task) => all.slice(0, n[task]));
      yield { done, total, predicted: so, correct: [...correct], n: [...n] };
    }
  }

  async function weightsOf(classifier) {
    if (typeof classifier !== "string") return Float32Array.from(classifier.flatMap((row) => [...row]));
    for (const suite of Object.keys(manifest.suites)) {
      const found = (await heads(suite)).get(classifier);
      if (found) return found;
    }
    throw new EngineError("request", `There is no task ${classifier} here.`);
  }

  return {
    manifest,
    count,
    async open({ checkpoint }) {
      await residual(checkpoint);
    },
    features: ({ checkpoint, factors, pixels }) => encode(checkpoint, checked(factors), planes(pixels, side)),
    async classify({ checkpoint, factorsList, pixels, classifier }) {
      const weights = await weightsOf(classifier), images = planes(pixels, side), found = [];
      for (const factors of factorsList) {
        const features = await encode(checkpoint, checked(factors), images);
        found.push(probabilities(weights, features, model.temperature));
      }
      return found;
    },
    async texts({ prompts }) {
      const [run, merges] = await Promise.all([
        sessions.texts(),
        once("merges", () => files.unpack(manifest.merges)),
      ]);
      tokens ??= clipTokenizer(new TextDecoder().decode(merges), manifest.context_length);
      const ids = Int32Array.from(prompts.flatMap((prompt) => [...tokens(prompt)]));
      const features = await turn(() => run({ tokens: ["int32", ids, [prompts.length, manifest.context_length]] }));
      return prompts.map((_, i) => features.slice(i * width, (i + 1) * width));
    },
  };
}
