// Test images from lossless sheets, exactly, and images as the encoder takes them.
import { EngineError } from "./engine_error.js";
import { sha256 } from "./sha256.js";

// Images of a sheet, uint8 of shape (n, 3, S, S). Some browsers add noise to what a canvas returns: then it throws.
//   sheet: {images, columns, pixels_sha256} of the manifest
export async function decodeSheet(bytes, sheet, side) {
  const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/webp" }), options);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data, width } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  const plain = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, j = 0; i < data.length; i += 4) {
    plain[j++] = data[i];
    plain[j++] = data[i + 1];
    plain[j++] = data[i + 2];
  }
  if ((await sha256(plain)) !== sheet.pixels_sha256) {
    const said = "This browser alters pictures, perhaps to protect your privacy, so test images cannot be counted here.";
    throw new EngineError("images", said);
  }
  const images = new Uint8Array(sheet.images * 3 * side * side);
  for (let image = 0, j = 0; image < sheet.images; image++) {
    const corner = (Math.floor(image / sheet.columns) * width + (image % sheet.columns)) * side * 3;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < side; y++) {
        const row = corner + y * width * 3 + channel;
        for (let x = 0; x < side; x++) images[j++] = plain[row + 3 * x];
      }
    }
  }
  return images;
}

// One image or several, one below the other, from the RGBA bytes of a canvas: uint8 of shape (n, 3, S, S).
export function planes(rgba, side) {
  const area = side * side, images = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0; i < rgba.length / 4; i++) {
    const start = Math.floor(i / area) * 3 * area + (i % area);
    for (let channel = 0; channel < 3; channel++) images[start + channel * area] = rgba[4 * i + channel];
  }
  return images;
}

// A function from uint8 images to normalised ones, (x / 255 - mean) / std, rounded as evaluators/data/image_batches.py.
// What it returns is overwritten by its next call: a new array for each chunk of images would be 44 MB a count.
export function normaliser({ mean, std, image_size: side }) {
  const { fround } = Math, area = side * side;
  const tables = mean.map((one, channel) => {
    const factor = fround(1 / (255 * std[channel])), shift = fround(one / std[channel]);
    return Float32Array.from({ length: 256 }, (_, byte) => fround(fround(byte * factor) - shift));
  });
  let values = new Float32Array(0);
  return function normalised(images) {
    if (values.length !== images.length) values = new Float32Array(images.length);
    for (let start = 0; start < images.length; start += area) {
      const table = tables[(start / area) % 3];
      for (let i = start; i < start + area; i++) values[i] = table[images[i]];
    }
    return values;
  };
}
