// Linear heads over image features, as evaluators/encoder/classifier_heads.py.
//   weights   Float32Array (C * D), a unit row a class
//   features  Float32Array (n * D)

// Scores of image i, a number a class.
function scores(weights, features, i, width) {
  const found = new Float64Array(weights.length / width);
  for (let c = 0; c < found.length; c++) {
    let score = 0;
    for (let d = 0; d < width; d++) score += weights[c * width + d] * features[i * width + d];
    found[c] = score;
  }
  return found;
}

// Predicted class of image i.
export function predict(weights, features, i, width) {
  const found = scores(weights, features, i, width);
  return found.indexOf(Math.max(...found));
}

// softmax(s cos(feature, w_c)) of a single image
export function probabilities(weights, features, temperature) {
  const found = scores(weights, features, 0, features.length), length = Math.hypot(...features);
  const logits = Array.from(found, (score) => (temperature * score) / length), most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most)), total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

// By task key the weights of its head, cut from the file of a suite's heads.
export function cutHeads(bytes, tasks, width) {
  const all = new Float32Array(bytes.buffer);
  let start = 0;
  return new Map(tasks.map(({ key, classes }) => {
    const end = start + classes.length * width, weights = all.subarray(start, end);
    start = end;
    return [key, weights];
  }));
}
