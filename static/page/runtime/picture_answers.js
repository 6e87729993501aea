// Answers to questions about pictures, as ui/pictures gives them on the server: an image of the strip under several
// edits, what forgotten images are taken for, and a visitor's own picture.
//   settings  {gammas, top, shown, template}, numbers of ui/pictures, and {words} of the engine
function pictureAnswers(source, engine, shipped, { gammas, top, shown, words }, factorsOf) {
  const NAMES = ["pretrained", "finetuned", "edit"];
  const line = (spec, gamma) => ({ ...spec, shape: "linear", alpha: gamma, beta: 1 - gamma, mix: 1, outside: "alpha", free_form: null });
  const three = (spec) => [{ ...line(spec, 1), mix: 0 }, line(spec, 1), spec];
  const factors = (specs) => specs.map((spec) => Float32Array.from(factorsOf(spec)));
  const rounded = (value) => Math.round(1e4 * value) / 1e4;

  function pixelsOf(draw, side) {
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    draw(pen);
    return pen.getImageData(0, 0, side, side).data;
  }
  async function loaded(src) {
    const image = Object.assign(new Image(), { src });
    await image.decode();
    return image;
  }
  const classesOf = (model, spec, key) => suiteOf(model, spec.checkpoint).tasks.find((task) => task.key === key);

  // One image of the strip: {at: [task, image]}. Its dialog lies over the button that loads the engine.
  async function look(spec, [task, image]) {
    if (!engine.wanted()) {
      engine.ready().catch(() => {}); // shows the button
      throw new Error(words.close);
    }
    const model = await engine.ready(), strip = await shipped.strip(spec.checkpoint), { key, truth } = strip.tasks[task];
    const sheet = await loaded(strip.sprite), { side } = strip, size = model.manifest.model.image_size;
    const pixels = pixelsOf((pen) => pen.drawImage(sheet, image * side, task * side, side, side, 0, 0, size, size), size);
    const specs = [...three(spec), ...gammas.map((gamma) => line(spec, gamma))];
    const rows = await model.classify({ checkpoint: spec.checkpoint, factorsList: factors(specs), pixels, classifier: key });
    const { classes } = classesOf(model, spec, key);
    const best = (row) => [...row].map((value, i) => [classes[i], rounded(value)]).sort((a, b) => b[1] - a[1]).slice(0, top);
    return {
      at: [task, image],
      models: NAMES.map((name, i) => ({ name, top: best(rows[i]) })),
      curve: gammas.map((gamma, i) => [gamma, rounded(rows[3 + i][truth[image]])]),
    };
  }

  // {confuse: key of a task}
  async function confuse(spec, key, title) {
    const tasks = shipped.landmarks[spec.checkpoint].tasks, at = tasks.findIndex((task) => task.key === key), all = [];
    for (const one of three(spec)) {
      let last = null;
      for await (const { found } of source.count(one, new AbortController().signal)) last = found;
      all.push(last);
    }
    const { classes } = classesOf(await engine.ready(), spec, key), pairs = new Map(), truth = all[0].labels[at];
    const [before, , now] = all.map((found) => found.predicted[at]);
    now.forEach((said, i) => {
      if (before[i] !== truth[i] || said === truth[i]) return;
      const pair = JSON.stringify([classes[truth[i]], classes[said]]);
      pairs.set(pair, (pairs.get(pair) || 0) + 1);
    });
    const sorted = [...pairs].sort((a, b) => b[1] - a[1]).slice(0, 20).map(([pair, count]) => [...JSON.parse(pair), count]);
    return { title: `${tasks[at].title}: ${title}`, confusion: sorted };
  }

  // {image: address of a picture, task: key, "typed" or "", names, template}
  async function own(spec, { image, task, names, template }) {
    const model = await engine.ready(), { tasks } = shipped.landmarks[spec.checkpoint], size = model.manifest.model.image_size;
    const target = tasks.find(({ role }) => role === "target"), key = tasks.some((one) => one.key === task) ? task : target.key;
    const picture = await loaded(image);
    const pixels = pixelsOf((pen) => { pen.imageSmoothingQuality = "high"; pen.drawImage(picture, 0, 0, size, size); }, size);
    const typed = task === "typed" ? names.split(",").map((name) => name.trim()).filter(Boolean) : null;
    if (typed && typed.length < 2) throw new Error("Name at least two classes, with a comma between them.");
    if (typed && !template.includes("{}")) throw new Error("The prompt needs {} where the class name goes.");
    const classifier = typed ? await model.texts(typed.map((name) => template.replaceAll("{}", name))) : key;
    const rows = await model.classify({ checkpoint: spec.checkpoint, factorsList: factors(three(spec)), pixels, classifier });
    const classes = typed || classesOf(model, spec, key).classes;
    const found = classes.map((name, i) => [name, ...rows.map((row) => rounded(row[i]))]);
    const first = found.reduce((best, row) => (row[3] > best[3] ? row : best));
    found.sort((a, b) => Math.max(b[1], b[2]) - Math.max(a[1], a[2]));
    const few = found.slice(0, shown);
    if (!few.includes(first)) few.splice(shown - 1, 1, first);
    return { rows: few, tasks: tasks.filter((one) => one !== target).map((one) => [one.key, one.title]), title: target.title };
  }
  return { look, confuse, own };
}
