// Positions of the controls of Explore as specs, and pins as the link writes them (ui/explore/pins.py).
const LETTERS = "ABC";
const nine = (value) => Math.round(1e9 * value) / 1e9;

// `values` are those of the controls in the order of ui/explore/explore_controls.py, then the pins.
function specOf([model, checkpoint, shape, tie, gamma, alpha, beta, mix, outside, free], images) {
  const common = { model, checkpoint, merge: null, shape, mix: nine(mix), outside, split: "test", images };
  if (shape === "free") {
    const free_form = free.split(",").map(Number);
    return { ...common, alpha: free_form[0], beta: 0, free_form };
  }
  const line = tie ? [gamma, 1 - gamma] : [alpha, beta];
  return { ...common, alpha: nine(line[0]), beta: nine(line[1]), free_form: null };
}

// A:tiny-clip:digits:linear:0.4:0.6[:mix[:outside]], or free:0.1_0.25_1 in place of shape, alpha and beta.
function readPins(text, images) {
  const pins = [];
  for (const entry of text.split(",").filter(Boolean)) {
    const [letter, model, checkpoint, shape, ...rest] = entry.split(":");
    const free_form = shape === "free" ? (rest.shift() || "").split("_").map(Number) : null;
    const [alpha, beta] = free_form ? [free_form[0], 0] : rest.splice(0, 2).map(Number), [mix = 1, outside = "alpha"] = rest;
    const spec = { model, checkpoint, merge: null, shape, alpha, beta, free_form, mix: Number(mix), outside, split: "test", images };
    const numbers = [alpha, beta, spec.mix, ...(free_form || [])];
    if (LETTERS.includes(letter) && numbers.every(Number.isFinite) && pins.every((pin) => pin.letter !== letter)) pins.push({ letter, spec });
  }
  return pins.sort((a, b) => (a.letter < b.letter ? -1 : 1));
}

function pinsText(pins) {
  return pins.map(({ letter, spec: { model, checkpoint, shape, alpha, beta, free_form, mix, outside } }) => {
    const usual = mix === 1 && outside === "alpha";
    const rest = [...(usual ? [] : [mix]), ...(outside === "alpha" ? [] : [outside])];
    return [letter, model, checkpoint, shape, ...(free_form ? [free_form.join("_")] : [alpha, beta]), ...rest].join(":");
  }).join(",");
}

// The text with the present position under the first free letter, or without the pin of `letter`.
function changedPins(text, spec, letter) {
  const pins = readPins(text, spec.images);
  if (letter) return pinsText(pins.filter((pin) => pin.letter !== letter));
  const free = [...LETTERS].find((one) => pins.every((pin) => pin.letter !== one));
  const known = pins.some((pin) => JSON.stringify(pinsText([{ ...pin, letter: "A" }])) === JSON.stringify(pinsText([{ letter: "A", spec }])));
  return free && !known ? pinsText([...pins, { letter: free, spec }].sort((a, b) => (a.letter < b.letter ? -1 : 1))) : text;
}
