// A zip archive of files as they are, without compression.
// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
// Returns {add(path, bytes), addUnread(path, blob), finish(): Blob}; what is added unread has checksum 0.
function zipArchive() {
  const MOST = 2 ** 32 - 1, UTF_8 = 0x0800, OLDEST = 0x0021, UNIX = 3 << 8, FILE = 0o100644; // 1 January 1980
  const table = Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  const parts = [], directory = [];
  let offset = 0;

  function checksum(bytes) {
    let sum = -1;
    for (let i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]) & 0xff] ^ (sum >>> 8);
    return ~sum >>> 0;
  }
  // Numbers of two bytes, or of four for those given as [number].
  function record(...numbers) {
    return Uint8Array.from(numbers.flatMap((one) => {
      const [value, size] = Array.isArray(one) ? [one[0], 4] : [one, 2];
      return Array.from({ length: size }, (_, byte) => (value >>> (8 * byte)) & 0xff);
    }));
  }
  function put(...pieces) {
    parts.push(...pieces);
    for (const piece of pieces) offset += piece.size ?? piece.length;
    if (offset > MOST) throw new Error("An archive of this form holds 4 GB at most.");
  }

  function addBlob(path, blob, sum) {
    const name = new TextEncoder().encode(path), { size } = blob;
    const common = [20, UTF_8, 0, 0, OLDEST, [sum], [size], [size], name.length, 0];
    directory.push(record([0x02014b50], UNIX | 20, ...common, 0, 0, 0, [FILE << 16], [offset]), name);
    put(record([0x04034b50], ...common), name, blob);
  }

  return {
    add: (path, bytes) => addBlob(path, new Blob([bytes]), checksum(bytes)), // a browser may keep a blob on disk
    addUnread: (path, blob) => addBlob(path, blob, 0),
    finish() {
      const start = offset, count = directory.length / 2;
      put(...directory);
      put(record([0x06054b50], 0, 0, count, count, [offset - start], [start], 0));
      return new Blob(parts, { type: "application/zip" });
    },
  };
}
