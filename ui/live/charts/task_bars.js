// Accuracy of every task as a bar in plain HTML, the target first, with its interval and, as upright marks, what the
// pre-trained and the fine-tuned model score. Lengths are percentages that the style sheet turns into boxes.
function taskBars(node, tip, { words, roles }) {
  let rows = [], made = "", pointed = null;
  const ends = [0, 25, 50, 75, 100];

  function make(tasks, anchors) {
    const names = JSON.stringify([tasks.map((task) => [task.key, task.title]), anchors.map((anchor) => anchor.role)]);
    if (names === made) return;
    made = names;
    rows = tasks.map((task) => {
      const bar = html("i", { class: "lx-task-bar" }), whisker = html("i", { class: "lx-task-whisker" });
      const ghosts = anchors.map((anchor) => html("i", { class: "lx-task-ghost", style: `--c: var(--c-${anchor.role})` }));
      const number = html("span", { class: "lx-task-number" });
      const track = html("span", { class: "lx-task-track" }, bar, whisker, ...ghosts);
      const row = html("div", { class: "lx-task", "data-task": task.key, "data-role": task.role });
      row.append(html("span", { class: "lx-task-title" }, task.title), track, number);
      return { row, bar, whisker, ghosts, number };
    });
    const axis = html("div", { class: "lx-task-axis" }, ...ends.map((end) => html("span", { style: `--v: ${end}%` }, `${end} %`)));
    node.replaceChildren(...rows.map(({ row }) => row), axis);
  }

  function lines(task, anchors) {
    const of = (anchor) => anchor.tasks.find((one) => one.key === task.key);
    const others = anchors.filter(of).map((anchor) => `${roles[anchor.role].title}: ${countedText(of(anchor))}`);
    return [`${task.title} (${words[task.role]})`, `${words.edit}: ${countedText(task)}`, ...others];
  }

  const percentage = (value) => `${(100 * value).toFixed(2)}%`;
  return {
    draw({ tasks, role }, anchors) {
      const ordered = [...tasks].sort((a, b) => (b.role === "target") - (a.role === "target"));
      make(ordered, anchors);
      node.style.setProperty("--bar", `var(--c-${role})`);
      ordered.forEach((task, i) => {
        const { row, bar, whisker, ghosts, number } = rows[i], accuracy = task.correct / task.n;
        bar.style.width = percentage(accuracy);
        whisker.style.left = percentage(task.low);
        whisker.style.width = percentage(task.high - task.low);
        anchors.forEach((anchor, j) => {
          const reference = anchor.tasks.find((one) => one.key === task.key);
          ghosts[j].hidden = !reference;
          if (reference) ghosts[j].style.left = percentage(reference.correct / reference.n);
        });
        setText(number, (100 * accuracy).toFixed(1));
        const tell = () => tip.show(row.offsetWidth / 2, row.offsetTop, lines(task, anchors));
        row.onpointerenter = () => ((pointed = row), tell());
        row.onpointerleave = () => ((pointed = null), tip.hide());
        if (pointed === row) tell();
      });
      const said = ordered.map((task) => `${task.title} (${words[task.role]}) ${percentText(task.correct / task.n)}`);
      node.setAttribute("aria-label", fillIn(words.tasks_alt, { tasks: said.join("; ") }));
    },
  };
}
