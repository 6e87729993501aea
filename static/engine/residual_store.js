// Residuals of checkpoints and merges, the latest few of them kept.
import { EngineError } from "./engine_error.js";
import { METHODS } from "./merging.js";
import { unpackResidual } from "./packed_vectors.js";

export const KEPT = 3;

// pretrained: promise of theta_0 as unpackWeights gives it
export function residualStore(files, pretrained) {
  const kept = new Map();

  async function read(key) {
    const listed = files.manifest.checkpoints[key];
    if (!listed) throw new EngineError("request", `There is no checkpoint ${key} here.`);
    const [planes, base] = await Promise.all([files.unpack(listed.file), pretrained]);
    return unpackResidual(planes, listed.form, base);
  }

  // merge: MergeSpec.as_dict() of Python, its settings complete
  async function merged({ checkpoints, method, settings, weights = [] }) {
    if (!METHODS[method]) throw new EngineError("request", `Merges by ${method} cannot be computed in the browser.`);
    if (settings.scope) throw new EngineError("request", "Merges tensor by tensor are made on a server only.");
    const vectors = [];
    for (const [t, key] of checkpoints.entries()) { // one after the other: each takes memory
      const vector = await read(key), weight = Math.fround(weights[t] ?? 1);
      vectors.push(weight === 1 ? vector : vector.map((entry) => entry * weight));
    }
    return METHODS[method](vectors, settings);
  }

  // The residual of a checkpoint's key or of a merge, a promise.
  return function residual(checkpoint) {
    const name = JSON.stringify(checkpoint);
    const found = kept.get(name) ?? (typeof checkpoint === "string" ? read(checkpoint) : merged(checkpoint));
    kept.delete(name);
    kept.set(name, found);
    found.catch(() => kept.delete(name)); // the next call tries again
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return found;
  };
}
