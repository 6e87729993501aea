// Accuracies as the page writes them; `value`, `low` and `high` are fractions in [0, 1].
const percentText = (value, digits = 1) => `${signed((100 * value).toFixed(digits))}\u202f%`;
const rangeText = ({ low, high }) => `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`;
const signed = (text) => (Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−"));

// A difference in percentage points, always with its sign.
function pointsText(difference) {
  const text = (100 * difference).toFixed(1);
  if (Number(text) === 0) return "±0.0 points";
  return `${difference > 0 ? "+" : ""}${signed(text)} points`;
}

// "97.5 % (195 of 200, 94.3 to 98.9)": one task in full.
const countedText = (task) => `${percentText(task.correct / task.n)} (${task.correct} of ${task.n}, ${rangeText(task)})`;

// Puts values into a sentence of `words`: fillIn("block {l}", {l: 3}) is "block 3".
const fillIn = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
