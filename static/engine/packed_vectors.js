// Weights and residuals from their files, bit for bit: the inverse of static/export/packing.py.

// Integers from byte planes: all first bytes, then all second bytes, and so on.
function joined(planes, Kind) {
  const length = planes.length / Kind.BYTES_PER_ELEMENT, values = new Kind(length);
  for (let plane = 0; plane < Kind.BYTES_PER_ELEMENT; plane++) {
    const offset = plane * length, shift = 8 * plane;
    for (let i = 0; i < length; i++) values[i] |= planes[offset + i] << shift;
  }
  return values;
}

// The float32 number of each float16 bit pattern.
function halves() {
  const table = new Float32Array(1 << 16);
  for (let bits = 0; bits < table.length; bits++) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24
      : exponent < 31 ? (1 + fraction / 1024) * 2 ** (exponent - 15)
      : fraction ? NaN : Infinity;
    table[bits] = bits >> 15 ? -size : size;
  }
  return table;
}

// theta_0: {values: Float32Array, bits: Uint16Array of float16, or null if it was not stored so}
export function unpackWeights(planes, form) {
  if (form === "single") return { values: new Float32Array(joined(planes, Uint32Array).buffer), bits: null };
  const bits = joined(planes, Uint16Array), table = halves();
  return { values: Float32Array.from(bits, (one) => table[one]), bits };
}

// tau as a Float32Array; `pretrained` is what unpackWeights gave
export function unpackResidual(planes, form, pretrained) {
  if (form === "single") return new Float32Array(joined(planes, Uint32Array).buffer);
  const coded = joined(planes, Uint16Array), table = halves(), residual = new Float32Array(coded.length);
  for (let i = 0; i < coded.length; i++) {
    const difference = (coded[i] >>> 1) ^ -(coded[i] & 1);
    residual[i] = table[(pretrained.bits[i] + difference) & 0xffff] - pretrained.values[i];
  }
  return residual;
}
