// CLIP's byte-pair tokenizer: what open_clip.SimpleTokenizer makes of a text, but for ftfy's repair of wrong encodings.
const WORD = /<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
const WIDE = /[\uFB00-\uFB06\uFF01-\uFF5E]/g; // ligatures and full-width letters

// A character for each byte that is no space: printable bytes are themselves, the others follow after U+00FF.
function byteCharacters() {
  const printable = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const order = [...Array(256).keys()], kept = order.filter(printable), moved = order.filter((byte) => !printable(byte));
  const character = (byte) => String.fromCharCode(printable(byte) ? byte : 256 + moved.indexOf(byte));
  return { of: order.map(character), vocabulary: [...kept, ...moved].map(character) };
}

function unescaped(text) {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, decimal, hex, name) =>
    name ? (ENTITIES[name] ?? all) : String.fromCodePoint(decimal ? +decimal : parseInt(hex, 16)));
}

function cleaned(text) {
  const straight = text.replace(/[‘’‚‛]/g, "'").replace(/[“”„‟]/g, '"').replace(WIDE, (one) => one.normalize("NFKC"));
  return unescaped(unescaped(straight.normalize("NFC"))).trim().replace(/\s+/g, " ").toLowerCase();
}

// merges: text of the file, a pair a line after the first; length: tokens a text
// Returns a function from a text to its tokens, an Int32Array that ends with the end of text and zeros.
export function clipTokenizer(merges, length) {
  const bytes = byteCharacters(), pairs = merges.split("\n").slice(1).map((line) => line.split(" "));
  const ranks = new Map(pairs.map((pair, rank) => [pair.join(" "), rank]));
  const vocabulary = [
    ...bytes.vocabulary, ...bytes.vocabulary.map((one) => `${one}</w>`),
    ...pairs.map((pair) => pair.join("")), "<start_of_text>", "<end_of_text>",
  ];
  const number = new Map(vocabulary.map((token, index) => [token, index]));
  const end = vocabulary.length - 1;

  function parts(word) {
    const found = [...word];
    found[found.length - 1] += "</w>";
    for (;;) {
      let best = Infinity, first, second;
      for (let i = 0; i + 1 < found.length; i++) {
        const rank = ranks.get(`${found[i]} ${found[i + 1]}`) ?? Infinity;
        if (rank < best) [best, first, second] = [rank, found[i], found[i + 1]];
      }
      if (best === Infinity) return found;
      for (let i = 0; i + 1 < found.length; i++) {
        if (found[i] === first && found[i + 1] === second) found.splice(i, 2, first + second);
      }
    }
  }

  return function tokens(text) {
    const all = [end - 1];
    for (const [word] of cleaned(text).matchAll(WORD)) {
      const spelled = Array.from(new TextEncoder().encode(word), (byte) => bytes.of[byte]).join("");
      const known = /^<(start|end)_of_text>$/.test(spelled) ? [spelled] : parts(spelled);
      all.push(...known.map((part) => number.get(part)));
    }
    const kept = Int32Array.from({ length }, (_, i) => all[i] ?? (i === all.length ? end : 0));
    if (all.length >= length) kept[length - 1] = end;
    return kept;
  };
}
