// The numbers of a Plotly figure, or of schedule bars, as {columns, rows}: one row a point, bar or cell, in the units of
// its axes. Traces without details only join or mark points of others, and are left out.
function tracesTable({ figure, bars, about }) {
  if (bars) return { columns: ["block", "factor", "setting"], rows: bars.labels.map((label, i) => [label, bars.values[i], about]) };
  const title = (axis) => (figure.layout[axis] && figure.layout[axis].title && figure.layout[axis].title.text) || "";
  const columns = ["series", "x", "x_low", "x_high", "y", "y_low", "y_high", "z", "correct", "n", "details", "x_axis", "y_axis", "setting"];
  const rows = figure.data.filter(({ hoverinfo }) => hoverinfo !== "skip").flatMap((trace) => pointsOf(trace).map((point) => {
    const details = plainText(point.details), counted = details.match(/\(([\d,]+) of ([\d,]+);/);
    const [correct, n] = counted ? counted.slice(1).map((text) => Number(text.replaceAll(",", ""))) : ["", ""];
    const series = trace.name || (point.details.match(/<b>(.*?)<\/b>/) || ["", ""])[1] || begins(trace.hovertemplate || "");
    return [plainText(series), point.x, ...ends(trace.error_x, point.i, point.x), point.y, ...ends(trace.error_y, point.i, point.y), point.z, correct, n, details, title("xaxis"), title("yaxis"), about];
  }));
  const kept = columns.map((_, i) => rows.some((row) => row[i] !== ""));
  return { columns: columns.filter((_, i) => kept[i]), rows: rows.map((row) => row.filter((_, i) => kept[i])) };
}

function pointsOf(trace) {
  if (trace.z) return trace.z.flatMap((line, j) => line.map((z, i) => ({ x: trace.x[i], y: trace.y[j], z: z ?? "", details: "" })));
  const said = [trace.hovertext, trace.text].find(Array.isArray) || [];
  return (trace.x || []).map((x, i) => ({ i, x, y: trace.y[i], z: "", details: String(said[i] ?? "") }));
}

function ends(error, i, value) {
  if (!error || !error.array) return ["", ""];
  return [-(error.arrayminus || error.array)[i], error.array[i]].map((part) => Number((value + part).toFixed(4)));
}

// What a template says before its first comma or colon, unless that is a number of the point.
const begins = (template) => (/^[^%:,]+/.exec(template.replace(/%\{hovertext\}.*/, "").replace(/^[^:,]*%\{.*/, "")) || [""])[0];
const plainText = (text) => text.replace(/<br>/g, "; ").replace(/<[^>]*>/g, "").replace(/%\{.*?\}/g, "");
