// Residuals of checkpoints and merges, the latest one kept: 7 MB each.
import { EngineError } from "./engine_error.js";
import { METHODS } from "./merging.js";
import { unpackResidual } from "./packed_vectors.js";

// pretrained: promise of theta_0 as unpackWeights gives it
export function residualStore(files, pretrained) {
  let name = null, kept = null;

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
    const asked = JSON.stringify(checkpoint);
    if (asked === name) return kept;
    const found = typeof checkpoint === "string" ? read(checkpoint) : merged(checkpoint);
    [name, kept] = [asked, found];
    found.catch(() => kept === found && (name = null)); // the next call tries again
    return found;
  };
}
