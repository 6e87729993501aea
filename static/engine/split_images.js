// The images of one suite and split, fetched sheet by sheet as they are needed.
import { decodeSheet } from "./image_sheets.js";

// described: of the manifest, suites[...].splits[...]; side: pixels of an image
// Returns chunk(i): uint8 images of chunk i, in the order of its parts; a promise.
export function splitImages(files, described, side) {
  const sheets = [];
  const sizes = described.chunks.map((parts) => parts.reduce((n, [, start, stop]) => n + stop - start, 0));
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((n, size) => n + size, 0));

  function sheet(number) {
    sheets[number] ??= files
      .read(described.sheets[number].file)
      .then((bytes) => decodeSheet(bytes, described.sheets[number], side));
    sheets[number].catch(() => delete sheets[number]); // the next count tries again
    return sheets[number];
  }

  return async function chunk(i) {
    let number = 0, before = 0;
    while (starts[i] >= before + described.sheets[number].images) before += described.sheets[number++].images;
    const images = await sheet(number), each = 3 * side * side, start = starts[i] - before;
    if (number + 1 < described.sheets.length) sheet(number + 1).catch(() => {}); // while this one is counted
    return images.subarray(start * each, (start + sizes[i]) * each);
  };
}
