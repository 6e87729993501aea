// The numbers of a chart of Explore as {columns, rows}, out of an answer in JSON (ui/explore/explore_json.schema.json).
// Accuracies and intervals are fractions in [0, 1]; every row says of which edit it is.
const EDIT_COLUMNS = ["model", "checkpoint", "shape", "alpha", "beta", "outside", "mix", "free_form", "split"];

function exploreTable(chart, { evaluation, landmarks }) {
  const { spec } = evaluation, edit = (changes) => {
    const one = changes.shape ? { ...spec, free_form: null, ...changes } : spec;
    const said = { ...one, free_form: (one.free_form || []).join(" "), beta: one.shape === "flat" ? "" : one.beta };
    return EDIT_COLUMNS.map((name) => said[name]);
  };
  const measured = [
    { name: fixed.words.edit, ...evaluation, edit: {} },
    ...landmarks.anchors,
    ...landmarks.paths.flatMap((path) => path.points.map((point) => ({ ...point, role: path.role }))),
  ];
  if (chart === "schedule") {
    const rows = evaluation.factors.map((factor, i) => [depthNames(evaluation.factors)[i], factor, ...edit({})]);
    return { columns: ["block", "factor", ...EDIT_COLUMNS], rows };
  }
  if (chart === "tasks") {
    const rows = measured.filter(({ tasks }) => tasks).flatMap((one) => one.tasks.map(({ key, title, role, correct, n, low, high }) =>
      [one.name, key, title, role, correct / n, low, high, correct, n, ...edit(one.edit)]));
    return { columns: ["series", "key", "task", "role", "accuracy", "low", "high", "correct", "n", ...EDIT_COLUMNS], rows };
  }
  const ends = ({ value, low, high }) => [value, low, high];
  const sums = (tasks, role) => ["correct", "n"].map((name) => (tasks || []).filter((task) => task.role === role).reduce((sum, task) => sum + task[name], 0) || "");
  const rows = measured.map((one) => [one.name, one.role, ...ends(one.target), ...sums(one.tasks, "target"), ...ends(one.control), ...sums(one.tasks, "control"), ...edit(one.edit)]);
  const of = (role) => ["", "_low", "_high", "_correct", "_n"].map((end) => role + end);
  return { columns: ["series", "kind", ...of("target"), ...of("control"), ...EDIT_COLUMNS], rows };
}

// "in", the blocks from 1, "out": what the factors in depth order are of.
const depthNames = (factors) => ["in", ...factors.slice(2).map((_, i) => String(i + 1)), "out"];
