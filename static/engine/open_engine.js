// The engine in the visitor's browser: a worker that edits the weights and counts test images. See docs/architecture.md.

// With the query of this module: browsers remember that a module could not be loaded, and another try has another query.
const { EngineError, checkSupport } = await import(`./engine_error.js${new URL(import.meta.url).search}`);

// Loads the model in a worker; several megabytes the first time.
//   base        address of the folder with engine.json
//   threads     more than one needs a page that is isolated (COOP and COEP); else one is used
//   onProgress  called with {loaded, total}, bytes of all files asked for so far
// Throws an EngineError (engine_error.js), as every function below does.
export async function openEngine({ base = new URL("./", import.meta.url).href, threads = 1, onProgress } = {}) {
  checkSupport(globalThis, ["WebAssembly", "Worker"]);
  const worker = started(), calls = new Map();
  let next = 0, lost = null, begun = false;

  function lose(problem) {
    lost ??= problem;
    worker.terminate();
    for (const { reject } of calls.values()) reject(lost);
    calls.clear();
  }
  worker.onerror = ({ message }) => {
    const reason = message ? ` (${message})` : "", ended = `The background process of the model ended${reason}: reload the page.`;
    if (begun || message) lose(new EngineError("worker", ended));
    else lose(new EngineError("network", "The model could not be loaded: check the connection and try again."));
  };
  worker.onmessage = ({ data: { id, progress, part, result, problem } }) => {
    begun = true;
    if (progress) return onProgress?.(progress);
    const call = calls.get(id);
    if (!call) return;
    if (part) return call.part(part);
    calls.delete(id);
    if (problem) call.reject(new EngineError(problem.code, problem.message));
    else call.resolve(result);
  };

  function ask(call, given, part = () => {}) {
    if (lost) return { id: null, done: Promise.reject(lost) };
    const id = next++;
    const done = new Promise((resolve, reject) => calls.set(id, { resolve, reject, part }));
    worker.postMessage({ id, call, given });
    return { id, done };
  }

  async function* count({ checkpoint, split, factors, signal }) {
    if (signal?.aborted) return;
    let parts = [], wake, ended = false, failure = null;
    const woken = () => new Promise((resolve) => (wake = resolve));
    let news = woken();
    const { id, done } = ask("count", { checkpoint, split, factors }, (part) => (parts.push(part), wake()));
    const end = (problem) => ((ended = true), (failure = problem ?? null), wake());
    const stop = () => end();
    done.then(() => end(), end);
    signal?.addEventListener("abort", stop);
    try {
      while (!signal?.aborted) {
        if (parts.length) {
          yield parts.shift();
          continue;
        }
        if (failure) throw failure;
        if (ended) return;
        await news;
        news = woken();
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      if (!ended || signal?.aborted) ask("stop", { id }).done.catch(() => {});
    }
  }

  const manifest = await ask("start", { base: new URL(base, location.href).href, threads }).done.catch((problem) => {
    lose(problem);
    throw problem;
  });
  return {
    manifest,
    // Fetches a checkpoint: its key, or a merge as {checkpoints, method, settings}.
    open: (checkpoint) => ask("open", { checkpoint }).done,
    // Counts test images and yields {done, total, predicted, correct, n} after each chunk: images counted of all, and by
    // task the predicted classes, the correct images and the images so far. It ends early if a newer count starts or
    // the signal aborts. factors: Float32Array (L + 2), before the first block, blocks, after the last, the mix included.
    count,
    // Probabilities, an array a model, of a picture: the RGBA bytes of a canvas of S x S pixels. classifier: key of a
    // task, or the features of a text a class.
    classify: (given) => ask("classify", given).done,
    // Features (n * D) of n pictures, one after the other.
    features: (given) => ask("features", given).done,
    // Features of length 1, a Float32Array a text.
    texts: (prompts) => ask("texts", { prompts }).done,
    close: () => lose(new EngineError("request", "The engine was closed.")),
  };
}

function started() {
  try {
    return new Worker(new URL("./engine_worker.js", import.meta.url), { type: "module" });
  } catch (problem) {
    const said = "The model cannot start from a file: open the page from a web server, for example with python -m http.server.";
    throw new EngineError("worker", said, { cause: problem });
  }
}
