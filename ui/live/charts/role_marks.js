// The symbol of each kind of model as an SVG path around (0, 0); `shape` is a name of theme.py, `r` half its width.
function markPath(shape, r) {
  if (shape === "circle") return `M${-r},0A${r},${r} 0 1,0 ${r},0A${r},${r} 0 1,0 ${-r},0Z`;
  const [corners, first, stretch] = { square: [4, 45, 1.25], diamond: [4, 0, 1.2], "triangle-up": [3, 0, 1.2] }[shape] || [5, 0, 1.1];
  const at = (i) => {
    const angle = ((first + (360 * i) / corners - 90) * Math.PI) / 180;
    return [r * stretch * Math.cos(angle), r * stretch * Math.sin(angle)].map((part) => part.toFixed(2)).join(",");
  };
  return `M${Array.from({ length: corners }, (_, i) => at(i)).join("L")}Z`;
}
