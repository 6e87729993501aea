// 95 % intervals of accuracies from counts [correct, n]. Formulas and sources: evaluators/specs/intervals.py and, for
// pairs, Bonett and Price 2012 (the Wald interval with Laplace's adjustment for paired proportions).
const Z95 = 1.959963984540054;
const shareOf = ([correct, n]) => correct / n;
const meanOf = (counts) => counts.reduce((sum, one) => sum + shareOf(one), 0) / counts.length;

function wilson([correct, n]) {
  const p = correct / n, zz = Z95 * Z95;
  const centre = p + zz / (2 * n), spread = Z95 * Math.sqrt((p * (1 - p)) / n + zz / (4 * n * n)), scale = 1 + zz / n;
  return [correct === 0 ? 0 : (centre - spread) / scale, correct === n ? 1 : (centre + spread) / scale];
}

// Unweighted mean over tasks as {value, low, high}; of one task it is Wilson's interval.
function accuracyOf(counts) {
  const value = meanOf(counts), ends = counts.map(wilson);
  const reach = (end) => Math.hypot(...counts.map((one, i) => shareOf(one) - ends[i][end])) / counts.length;
  return { value, low: value - reach(0), high: value + reach(1) };
}

// Mean accuracy `after` minus `before` as {value, low, high}, as if on different images: too wide rather than too narrow.
function differenceOf(before, after) {
  const [b, a] = [accuracyOf(before), accuracyOf(after)], value = a.value - b.value;
  return {
    value,
    low: value - Math.hypot(a.value - a.low, b.high - b.value),
    high: value + Math.hypot(a.high - a.value, b.value - b.low),
  };
}

// The same on the same images, from [gained, lost, n] of each task: images that only the second or only the first model
// names correctly.
//   d_i +- z sqrt((p_i + q_i - (p_i - q_i)^2) / (n_i + 2)),  p_i = (gained + 1) / (n_i + 2),  q_i for lost
function pairedDifferenceOf(pairs) {
  let value = 0, centre = 0, variance = 0;
  for (const [gained, lost, n] of pairs) {
    const p = (gained + 1) / (n + 2), q = (lost + 1) / (n + 2);
    value += (gained - lost) / n;
    centre += p - q;
    variance += (p + q - (p - q) ** 2) / (n + 2);
  }
  const k = pairs.length, spread = Z95 * Math.sqrt(variance);
  return { value: value / k, low: Math.max((centre - spread) / k, -1), high: Math.min((centre + spread) / k, 1) };
}

// -1, 0 or 1: worse, no measurable difference, better.
const compared = (before, after) => {
  const { low, high } = differenceOf(before, after);
  return (low > 0) - (high < 0);
};
