// The edit: live = theta_0 + factor * tau, with a factor for each segment of the depth order.
//   bounds   L + 3 positions: segment i, 0 before the first block to L + 1 after the last, is [bounds[i], bounds[i + 1])
//   factors  Float32Array (L + 2), the mix included
// Product and sum are exact to 53 bits before they are rounded to float32, as in torch's fused multiply-add.
export function writeEdit(live, pretrained, residual, factors, bounds) {
  for (let segment = 0; segment < factors.length; segment++) {
    const factor = factors[segment], end = bounds[segment + 1];
    for (let i = bounds[segment]; i < end; i++) live[i] = pretrained[i] + factor * residual[i];
  }
}
