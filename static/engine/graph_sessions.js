// onnxruntime-web and the two graphs, each loaded once. WebAssembly only; threads need an isolated page.
export function graphSessions(files, { threads }) {
  const { manifest } = files;
  let runtime, images, texts;

  async function load() {
    const [ort, wasm] = await Promise.all([
      import(files.address(manifest.runtime.module)),
      files.unpack(manifest.runtime.wasm),
    ]);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? threads : 1;
    ort.env.wasm.wasmBinary = wasm.buffer;
    return ort;
  }

  async function session(content) {
    const [ort, graph] = await Promise.all([(runtime ??= load()), content]);
    const made = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
    const { wasmBinary } = ort.env.wasm;
    if (wasmBinary) structuredClone(wasmBinary, { transfer: [wasmBinary] }); // 14 MB that the runtime would hold, compiled by now
    ort.env.wasm.wasmBinary = undefined;
    return async (inputs) => {
      const tensors = Object.entries(inputs).map(([name, [kind, values, shape]]) => [
        name, new ort.Tensor(kind, values, shape),
      ]);
      const { features } = await made.run(Object.fromEntries(tensors));
      return features.data;
    };
  }

  return {
    // Runs the image tower: {pixels, weights} -> features (n * D); each input is [type, values, shape]
    images: () => (images ??= session(files.read(manifest.image_graph))),
    // Runs the text tower: {tokens} -> features (n * D) of length 1
    texts: () => (texts ??= session(files.unpack(manifest.text_graph))),
  };
}
