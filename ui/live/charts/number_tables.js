// All numbers of the charts as two tables: their twin for screen readers, hidden from sight.
function numberTables(node, { words, roles }) {
  let cells = [], made = "";

  // Tables that have the same captions and heads are kept, and only their cells are written.
  function fill(tables) {
    const heads = JSON.stringify(tables.map(({ caption, head, rows }) => [caption, head, rows.map((row) => row[0])]));
    if (heads !== made) {
      made = heads;
      const row = (names) => html("tr", {}, html("th", { scope: "row" }, names[0]), ...names.slice(1).map(() => html("td")));
      const table = ({ caption, head, rows }) =>
        html("table", {}, html("caption", {}, caption),
          html("thead", {}, html("tr", {}, ...head.map((name) => html("th", { scope: "col" }, name)))),
          html("tbody", {}, ...rows.map(row)));
      node.replaceChildren(...tables.map(table));
      cells = node.querySelectorAll("td");
    }
    tables.flatMap(({ rows }) => rows.flatMap((row) => row.slice(1))).forEach((text, i) => setText(cells[i], text));
  }

  return {
    draw(evaluation, anchors, labels) {
      const columns = [evaluation, ...anchors];
      const rows = evaluation.tasks.map((task) => {
        const of = (column) => column.tasks.find((one) => one.key === task.key);
        return [`${task.title} (${words[task.role]})`, ...columns.map((column) => (of(column) ? countedText(of(column)) : "–"))];
      });
      rows.push([words.control_mean, ...columns.map((column) => percentText(column.control.value))]);
      fill([
        { caption: words.accuracies, head: [words.task, words.edit, ...anchors.map((anchor) => roles[anchor.role].title)], rows },
        { caption: words.schedule, head: [words.block, words.factor], rows: evaluation.factors.map((factor, i) => [labels[i], factor.toFixed(3)]) },
      ]);
    },
  };
}
