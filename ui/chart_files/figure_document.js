// A chart as an SVG document of its own: title above, caption below, on white; no style sheet and no script in it.
const EDGE = 20, LINE = 17;

function figureDocument({ title, alt, caption }, chart) {
  const wide = Number(chart.getAttribute("width")), high = Number(chart.getAttribute("height")), width = Math.ceil(Math.max(wide, 480)) + 2 * EDGE;
  const lines = caption.flatMap((text) => wrapped(text, width - 2 * EDGE)), top = EDGE + 30, below = top + high + 24;
  const height = Math.ceil(below + lines.length * LINE + EDGE / 2);
  chart.setAttribute("x", EDGE);
  chart.setAttribute("y", top);
  if (!chart.hasAttribute("viewBox")) chart.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const root = drawn("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": fixed.font.replaceAll("'", ""), role: "img" });
  root.append(drawn("title", {}, title), drawn("desc", {}, alt), drawn("rect", { width, height, fill: palette.card }));
  root.append(label(title, EDGE, EDGE + 10, { "font-size": 17, "font-weight": 700, fill: palette.ink }), chart);
  root.append(drawn("g", { "data-part": "caption" }, ...lines.map((text, i) => label(text, EDGE, below + i * LINE))));
  return root;
}

// The lines that a text takes at 12 pixels; a word that is wider than a line, such as a link, is broken.
function wrapped(text, width) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12px ${fixed.font}`;
  const fits = (part) => pen.measureText(part).width <= width, lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1), longer = last ? `${last} ${word}` : word;
    if (fits(longer)) lines[lines.length - 1] = longer;
    else if (fits(word)) lines.push(word);
    else for (const letter of (last ? " " : "") + word) fits(lines.at(-1) + letter) ? (lines[lines.length - 1] += letter) : lines.push(letter);
  }
  return lines;
}

// A copy of an SVG of the page as it looks in the light theme, with attributes in place of the style sheet's rules.
const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "fill-opacity", "stroke-opacity", "font-size", "font-weight", "paint-order", "text-anchor"];
function plainCopy(original) {
  const copy = original.cloneNode(true), holder = document.createElement("div");
  holder.className = "lx-plot";
  holder.style.cssText = `position: fixed; left: -9999px; ${Object.entries(palette).map(([name, colour]) => `--c-${name}: ${colour}`).join("; ")}`;
  holder.append(copy);
  document.body.append(holder);
  const nodes = Array.from(copy.querySelectorAll("*"), (node) => [node, getComputedStyle(node)]);
  const gone = nodes.filter(([, style]) => style.display === "none" || style.visibility === "hidden").map(([node]) => node);
  for (const [node, style] of nodes) for (const name of STYLED) node.setAttribute(name, style.getPropertyValue(name));
  holder.remove();
  gone.forEach((node) => node.remove());
  for (const node of [copy, ...copy.querySelectorAll("*")]) ["class", "style", "aria-hidden"].forEach((name) => node.removeAttribute(name));
  return copy;
}

// A Plotly figure as SVG; `figure` has light colours already.
async function plotlyCopy({ data, layout }, width, height) {
  const size = { width, height, format: "svg" };
  const address = await window.Plotly.toImage({ data: structuredClone(data), layout: { ...structuredClone(layout), width, height, paper_bgcolor: palette.card } }, size);
  const text = decodeURIComponent(address.slice(address.indexOf(",") + 1));
  return document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
}
