// The worker's side of open_engine.js: {id, call, given} in; {id, result}, {id, part}, {id, problem}, {progress} out.
import { editEngine } from "./edit_engine.js";
import { asEngineError, checkSupport } from "./engine_error.js";

let engine = null, newest = null; // the id of the newest count

// Lets messages in between two chunks. Each call has a channel of its own: two counts may wait at once.
const breathe = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), resolve());
    port2.postMessage(null);
  });

// A drag asks for more counts than there is time for: those that a newer one follows already do not begin.
async function count(id, given) {
  newest = id;
  await breathe();
  if (newest !== id) return;
  for await (const part of engine.count(given)) {
    if (newest !== id) return;
    postMessage({ id, part });
    await breathe();
    if (newest !== id) return;
  }
}

async function start(given) {
  checkSupport(globalThis, ["WebAssembly", "DecompressionStream", "OffscreenCanvas"]);
  engine = await editEngine(given, (progress) => postMessage({ progress }));
  return engine.manifest;
}

addEventListener("message", async ({ data: { id, call, given } }) => {
  try {
    if (call === "stop") newest = newest === given.id ? null : newest;
    else if (call === "count") postMessage({ id, result: await count(id, given) });
    else postMessage({ id, result: await (call === "start" ? start(given) : engine[call](given)) });
  } catch (problem) {
    const { code, message } = asEngineError(problem);
    postMessage({ id, problem: { code, message } });
  }
});
