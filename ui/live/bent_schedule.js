// Tier 0: the factors of a schedule before any request is made. They are affine in alpha and beta for every shape and
// outside rule; Python computed the three vectors of each (ui/live/schedule_tables.py). Null if they are not known.
// `free` is a free-form schedule as text, one factor a block, which the shape "free" has instead of alpha and beta.
function bentFactors(tables, model, shape, outside, alpha, beta, mix, free) {
  if (shape === "free") return freeFactors(tables, model, outside, mix, free);
  const parts = ((tables[model] || {})[shape] || {})[outside];
  if (!parts || ![alpha, beta, mix].every(Number.isFinite)) return null;
  return parts.constant.map((c, i) => mix * (c + alpha * parts.alpha[i] + beta * parts.beta[i]));
}

// The same of a spec, whose free-form schedule is a list.
const factorsOfSpecs = (affine) => ({ model, shape, outside, alpha, beta, mix, free_form }) =>
  bentFactors(affine, model, shape, outside, alpha, beta, mix, free_form && free_form.join());

// What lies outside the blocks is as in a line from the first block's factor to the last one's.
function freeFactors(tables, model, outside, mix, free) {
  const blocks = (free || "").split(",").map(Number), [first, last] = [blocks[0], blocks.at(-1)];
  const line = bentFactors(tables, model, "linear", outside, first, last - first, mix);
  if (!line || line.length !== blocks.length + 2) return null;
  return [line[0], ...blocks.map((factor) => mix * factor), line.at(-1)];
}

// A free-form schedule of as many factors as the model has blocks, read off between the given ones.
function stretched(tables, model, factors) {
  const { linear } = tables[model] || {}, blocks = linear ? linear.alpha.constant.length - 2 : factors.length;
  if (blocks === factors.length) return factors;
  return Array.from({ length: blocks }, (_, i) => {
    const at = (i * (factors.length - 1)) / (blocks - 1), below = Math.floor(at), part = at - below;
    return nearFactor(factors[below] + part * ((factors[below + 1] ?? factors[below]) - factors[below]));
  });
}
