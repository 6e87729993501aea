// Tier 0: the factors of a schedule before any request is made. They are affine in alpha and beta for every shape and
// outside rule; Python computed the three vectors of each (ui/live/schedule_tables.py). Null if they are not known.
function bentFactors(tables, model, shape, outside, alpha, beta, mix) {
  const parts = ((tables[model] || {})[shape] || {})[outside];
  if (!parts || ![alpha, beta, mix].every(Number.isFinite)) return null;
  return parts.constant.map((c, i) => mix * (c + alpha * parts.alpha[i] + beta * parts.beta[i]));
}
