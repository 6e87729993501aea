// Merges of task vectors (Float32Arrays of equal length), as lines_core/merging: sums in float64, rounded once.

// sum_t tau_t, arXiv:2212.04089
export function sum(vectors, divisor = 1) {
  const merged = new Float32Array(vectors[0].length);
  for (let i = 0; i < merged.length; i++) {
    let total = 0;
    for (const vector of vectors) total += vector[i];
    merged[i] = total / divisor;
  }
  return merged;
}

// 1/T * sum_t tau_t
export const average = (vectors) => sum(vectors, vectors.length);

// The k-th smallest of d magnitudes, k = d - int(density * d); 0, which keeps everything, if it is a padded zero.
function topThreshold(vector, density, referenceSize) {
  const size = referenceSize || vector.length;
  const rank = size - Math.trunc(density * size) - (size - vector.length);
  return rank <= 0 ? 0 : vector.map(Math.abs).sort()[rank - 1];
}

// TIES: trim, elect a sign for every entry, merge the entries of that sign; arXiv:2306.01708, lines_core/merging/ties.py
export function ties(vectors, { density, agg, reference_size: referenceSize }) {
  const cuts = vectors.map((vector) => topThreshold(vector, density, referenceSize));
  const length = vectors[0].length, merged = new Float32Array(length), undecided = [];
  let elected = 0;
  for (let i = 0; i < length; i++) {
    let total = 0, positive = 0, above = 0, below = 0;
    vectors.forEach((vector, t) => {
      const entry = vector[i];
      if (entry === 0 || Math.abs(entry) < cuts[t]) return;
      total += entry;
      if (entry > 0) (positive += entry), above++;
      else below++;
    });
    const ups = positive / (agg ? 1 : above || 1), downs = (total - positive) / (agg ? 1 : below || 1);
    merged[i] = total > 0 ? ups : total < 0 ? downs : 0;
    elected += Math.sign(total);
    if (total === 0 && positive > 0) undecided.push([i, ups, downs]);
  }
  for (const [i, ups, downs] of undecided) merged[i] = elected > 0 ? ups : elected < 0 ? downs : 0;
  return merged;
}

// The merged vector where at least k tasks own an entry, |tau_t| > lambda |tau_m - tau_t|; arXiv:2405.07813
export function consensus(vectors, { k, tall_lambda: lambda, use_ties: useTies, ...rest }) {
  const merged = useTies ? ties(vectors, { ...rest, agg: 1 }) : sum(vectors);
  for (let i = 0; i < merged.length; i++) {
    let owners = 0;
    for (const vector of vectors) owners += Math.abs(vector[i]) > lambda * Math.abs(merged[i] - vector[i]);
    if (owners < k) merged[i] = 0;
  }
  return merged;
}

// From the first vector to the second along an arc; lines_core/merging/slerp.py
export function slerp([first, second], { t }) {
  let one = 0, both = 0, two = 0;
  for (let i = 0; i < first.length; i++) {
    one += first[i] * first[i];
    both += first[i] * second[i];
    two += second[i] * second[i];
  }
  const [here, there] = [one, two].map((square) => Math.sqrt(square) > 1e-8 ? Math.sqrt(square) : 1);
  const cosine = both / here / there, angle = Math.acos(cosine), straight = !(Math.abs(cosine) <= 0.9995);
  const before = straight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
  const after = straight ? t : Math.sin(t * angle) / Math.sin(angle);
  return first.map((entry, i) => before * entry + after * second[i]);
}

export const METHODS = { sum: (vectors) => sum(vectors), average, ties, consensus, slerp };
