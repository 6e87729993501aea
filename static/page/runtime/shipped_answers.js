// What ships with the page: landmarks of each checkpoint, and the gamma grid (assets/grid/README.md).
//   landmarks  {checkpoint: landmarks as in ui/explore/explore_json.schema.json}
//   strips     {checkpoint: {images: address, truth, pretrained, finetuned}}: of the first images by task, their classes
//              and what the two models say
//   states     state of an image by 4 (pre-trained right) + 2 (fine-tuned right) + (edit right)
//   grid       {shape: address of its file}
//   missing    what is said when a file cannot be loaded, with its {reason}
//   base       that addresses begin at
//   factorsOf(spec)
function shippedAnswers({ landmarks, grid, strips, states, missing, base = document.baseURI }, factorsOf) {
  const lines = new Map(); // shape -> promise of {checkpoint: line}
  function lineOf(shape, checkpoint) {
    if (!grid[shape]) return null;
    if (!lines.has(shape)) {
      const read = async (reply) => {
        const bytes = new Uint8Array(await reply.arrayBuffer());
        if (bytes[0] !== 0x1f) return JSON.parse(new TextDecoder().decode(bytes)); // a host that unpacks by itself
        return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
      };
      lines.set(shape, shippedFile(new URL(grid[shape], base), missing, read).catch((problem) => (lines.delete(shape), Promise.reject(problem))));
    }
    return lines.get(shape).then((all) => all[checkpoint] ?? null);
  }

  // The step of the grid at which the weights are those of a spec, as [shape, step]; null for none.
  function placeOf(spec) {
    const factors = factorsOf(spec), alike = factors.every((factor) => Math.abs(factor - factors[0]) < 1e-9);
    const steps = alike ? [["linear", factors[0]], ["flat", factors[0]]] : [[spec.shape, spec.alpha]];
    for (const [shape, gamma] of steps) {
      const step = Math.round(100 * gamma);
      if (!grid[shape] || !(step >= 0 && step <= 100)) continue;
      const tied = { ...spec, shape, alpha: step / 100, beta: 1 - step / 100, mix: 1, outside: "alpha", free_form: null };
      if (sameFactors(factorsOf(tied), factors)) return [shape, step];
    }
    return null;
  }

  // {counts, pictured: by task the classes that are said of its first images, seconds}; null off the grid.
  async function at(spec) {
    const { pretrained } = landmarks[spec.checkpoint].anchors;
    if (factorsOf(spec).every((factor) => factor === 0)) return { counts: pretrained.counts, pictured: strips[spec.checkpoint].pretrained, seconds: 0 };
    const place = placeOf(spec), line = place && (await lineOf(place[0], spec.checkpoint));
    if (!line) return null;
    const { tasks } = landmarks[spec.checkpoint], step = place[1];
    return {
      counts: tasks.map(({ key }) => [line.correct[key][step], line.images[key]]),
      pictured: tasks.map(({ key }) => line.predicted[key].map((row) => parseInt(row[step], 36))),
      seconds: line.seconds,
    };
  }

  // The part `pictures` of an answer: `pictured` are the edit's classes by task and image.
  function pictures(spec, pictured) {
    const { tasks } = landmarks[spec.checkpoint], { images, truth, pretrained, finetuned } = strips[spec.checkpoint];
    const predicted = truth.map((row, task) => row.map((_, i) => [pretrained[task][i], finetuned[task][i], pictured[task][i]]));
    const letter = (right, said) => states[said.reduce((sum, one) => 2 * sum + (one === right), 0)];
    return {
      images: new URL(images, base).href, predicted, target: tasks.find(({ role }) => role === "target").key,
      states: predicted.map((rows, task) => rows.map((said, i) => letter(truth[task][i], said)).join("")),
    };
  }
  // The description of a checkpoint's first images, with the address of the sheet that they are on.
  async function strip(checkpoint) {
    const address = new URL(strips[checkpoint].images, base), described = await shippedFile(address, missing, (reply) => reply.json());
    return { ...described, sprite: new URL(described.sprite, address).href };
  }
  return { at, pictures, landmarks, strip };
}
