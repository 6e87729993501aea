// Pins as outlines over the bars of the schedule and of the tasks: solid for A, dashed for B, dotted for C. The style
// sheet turns --p, a factor or a fraction, into a box. Nothing is written while the pins stay as they are.
const outlined = new WeakMap(); // first bar -> what its chart's outlines are

function outlineBars(bars, rows) {
  const wanted = JSON.stringify(rows);
  if (!bars.length || (outlined.get(bars[0]) || "[]") === wanted) return;
  outlined.set(bars[0], wanted);
  bars.forEach((bar, i) => {
    for (const old of bar.querySelectorAll(".lx-pin-outline")) old.remove();
    bar.append(...rows.map(({ letter, values }) => html("i", { class: "lx-pin-outline", "data-letter": letter, style: `--p: ${values[i]}` })));
  });
}

function outlineSchedule(node, pins) {
  outlineBars(node.querySelectorAll(".lx-factor"), pins.map(({ letter, factors }) => ({ letter, values: factors })));
}

// `tasks` are those of the evaluation: the numbers of pins are in the same order, the bars in another.
function outlineTasks(node, tasks, pins) {
  const bars = Array.from(node.querySelectorAll(".lx-task"));
  const order = bars.map((bar) => tasks.findIndex((task) => task.key === bar.dataset.task));
  const shares = (pin) => order.map((i) => (pin.tasks[i][0] / pin.tasks[i][1]).toFixed(4));
  outlineBars(bars.map((bar) => bar.querySelector(".lx-task-track")), pins.map((pin) => ({ letter: pin.letter, values: shares(pin) })));
}
