// The bar charts that the page makes of HTML, drawn as SVG out of their numbers, in light colours.
const SVG = "http://www.w3.org/2000/svg", { palette } = fixed;

function drawn(name, attributes = {}, ...inside) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  node.append(...inside);
  return node;
}
const label = (text, x, y, more = {}) => drawn("text", { x, y, "font-size": 12, fill: palette.muted, ...more }, String(text));
const line = (x1, y1, x2, y2, stroke = palette.grid, width = 1) => drawn("line", { x1, y1, x2, y2, stroke, "stroke-width": width });

// Upright bars of the layer schedule with the number on each; the axis always holds 0 to 1.
function drawnSchedule({ labels, values, role }) {
  const width = 640, height = 240, left = 34, bottom = height - 40, each = (width - left) / labels.length;
  const low = Math.min(0, ...values), high = Math.max(1, ...values), upright = each < 30;
  const at = (value) => bottom - ((value - low) / (high - low)) * (bottom - 40);
  const rules = [0, 0.5, 1].flatMap((value) => [line(left, at(value), width, at(value)), label(value, 0, at(value) + 4)]);
  const bars = labels.flatMap((name, i) => {
    const x = left + i * each, middle = x + each / 2, top = at(Math.max(values[i], 0)), outside = i === 0 || i === labels.length - 1;
    const number = label(values[i].toFixed(2), 0, 0, { fill: palette.ink, "text-anchor": upright ? "start" : "middle", transform: `translate(${upright ? middle + 4 : middle},${top - 4})${upright ? " rotate(-90)" : ""}` });
    return [
      drawn("rect", { x: x + 1.5, y: top, width: each - 3, height: at(Math.min(values[i], 0)) - top, fill: palette[role], opacity: outside ? 0.45 : 1 }),
      number,
      label(name, middle, height - 24, { "text-anchor": "middle" }),
    ];
  });
  const axis = label(fixed.words.depth, (left + width) / 2, height - 4, { "text-anchor": "middle" });
  return drawn("svg", { width, height }, ...rules, ...bars, axis);
}

// Accuracy per task, the target first: a bar with its interval, and upright marks of the reference models.
function drawnTasks({ tasks, role }, anchors) {
  const width = 640, left = 190, right = width - 52, each = 28, height = each * tasks.length + 26;
  const at = (value) => left + value * (right - left);
  const rules = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    line(at(value), 0, at(value), height - 24),
    label(`${100 * value} %`, at(value), height - 6, { "text-anchor": "middle" }),
  ]);
  const ordered = [...tasks].sort((a, b) => (b.role === "target") - (a.role === "target"));
  const rows = ordered.flatMap((task, i) => {
    const top = i * each, middle = top + each / 2, value = task.correct / task.n, target = task.role === "target";
    const bold = { fill: palette.ink, "font-weight": target ? 700 : 400 };
    const marks = anchors.flatMap((anchor) => anchor.tasks.filter(({ key }) => key === task.key)
      .map(({ correct, n }) => line(at(correct / n), top + 2, at(correct / n), top + each - 2, palette[anchor.role], 3)));
    return [
      label(task.title, left - 8, middle + 4, { ...bold, "text-anchor": "end" }),
      drawn("rect", { x: left, y: top + 5, width: at(value) - left, height: each - 10, fill: palette[role], opacity: target ? 1 : 0.42 }),
      ...marks,
      ...whisker(at(task.low), at(task.high), middle),
      label((100 * value).toFixed(1), right + 8, middle + 4, bold),
    ];
  });
  return drawn("svg", { width, height }, ...rules, ...rows);
}

const whisker = (from, to, y) => [line(from, y, to, y, palette.ink, 1.5), ...[from, to].map((x) => line(x, y - 4, x, y + 4, palette.ink, 1.5))];
