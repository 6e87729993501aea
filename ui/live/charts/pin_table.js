// The button that pins the present position, and the table that compares it with the pins: a column each, with the
// difference of this edit to the pin and its 95 % interval. A pin of another model or checkpoint is listed, no more.
//   pin(letter)  removes a pin; without a letter the present position is pinned
//   go(edit)     sets the controls; visit(link) opens a pin of another model or checkpoint
function pinTable(node, { words }, { go, pin, visit }) {
  const button = html("button", { type: "button", class: "lx-pin-button" });
  const caption = html("caption", {}, words.pins), head = html("tr"), body = html("tbody");
  const table = html("table", { class: "lx-table lx-pin-table" }, caption, html("thead", {}, head), body);
  const scroll = html("div", { class: "lx-scroll", role: "region", tabindex: 0, "aria-label": words.pins }, table);
  const note = html("p", { class: "lx-note" });
  let made = "", cells = [], actions = [];
  button.addEventListener("click", () => button.ariaDisabled === "true" || pin(button.dataset.unpins));

  function drawButton(pins) {
    const present = pins.find((one) => one.here), free = ["A", "B", "C"].find((letter) => pins.every((one) => one.letter !== letter));
    setText(button, present ? fillIn(words.unpin, present) : free ? fillIn(words.pin, { letter: free }) : words.no_letter);
    button.dataset.unpins = present ? present.letter : "";
    button.ariaDisabled = String(!present && !free);
    button.title = present || free ? words.pin_help : words.no_letter_help;
  }

  // Rows of [heading, remark], columns of pins; built anew only when one of these changes.
  function make(rows, pins) {
    const names = JSON.stringify([rows, pins.map(({ letter, name, link, difference }) => [letter, name, link, Boolean(difference)])]);
    if (names === made) return;
    made = names;
    const heads = pins.map((one) => {
      const goes = html("button", { type: "button", class: "lx-pin-letter", "data-letter": one.letter, "aria-label": fillIn(words.go_to_pin, one) }, one.letter);
      const leaves = html("button", { type: "button", class: "lx-unpin", "aria-label": fillIn(words.unpin, one) }, "×");
      goes.addEventListener("click", () => (one.edit ? go(one.edit) : visit(one.link)));
      leaves.addEventListener("click", () => { button.focus(); pin(one.letter); });
      return html("th", { scope: "col" }, goes, leaves);
    });
    head.replaceChildren(html("th"), html("th", { scope: "col" }, words.edit), ...heads);
    cells = rows.map(() => []);
    body.replaceChildren(...rows.map(([heading, remark], i) => {
      const cell = () => {
        const value = html("span"), more = html("small");
        cells[i].push({ value, more });
        return html("td", {}, value, more);
      };
      const tds = [cell(), ...pins.map((one) => {
        if (one.edit || i === 0) return cell();
        cells[i].push(null);
        return i === 1 ? html("td", { rowspan: rows.length - 1, class: "lx-pin-elsewhere" }, words.elsewhere) : "";
      })];
      return html("tr", {}, html("th", { scope: "row" }, heading, html("small", {}, remark)), ...tds);
    }));
    setText(note, pins.some((one) => one.difference) ? words.paired : "");
  }

  const within = (ends) => ends.map((end) => signed((100 * end).toFixed(1))).join("\u00a0to\u00a0");
  function changeText([value, ...ends]) {
    const text = ends[0] <= 0 && ends[1] >= 0 ? words.no_difference : words.this_edit;
    return fillIn(text, { change: pointsText(value), range: within(ends) });
  }

  // Columns of [value, remark] for the rows: target, control, and the control tasks at their places in `tasks`.
  function numbers({ target, control, tasks }, places, remark) {
    const counted = tasks.map((task) => (Array.isArray(task) ? task : [task.correct, task.n]));
    return [[percentText(target.value), remark("target")], [percentText(control.value), remark("control")],
      ...places.map((i) => [percentText(counted[i][0] / counted[i][1]), remark("tasks", i)])];
  }

  return {
    button,
    draw(evaluation, pins, said) {
      drawButton(pins);
      if (!pins.length) {
        made = "";
        node.replaceChildren();
        return;
      }
      if (!scroll.isConnected) node.replaceChildren(scroll, note);
      const { tasks } = evaluation, places = tasks.map((_, i) => i).filter((i) => tasks[i].role !== "target");
      const learned = tasks.find((task) => task.role === "target").title;
      make([[words.setting, ""], [words.target_tile, learned], [words.control_tile, said.controls],
        ...places.map((i) => [tasks[i].title, ""])], pins);
      const range = (name, i) => rangeText(i === undefined ? evaluation[name] : tasks[i]);
      const columns = [[[said.setting, ""], ...numbers(evaluation, places, range)]];
      for (const one of pins) {
        const change = (name, i) => one.here ? words.same : !one.difference ? words.comparing_pin : changeText(i === undefined ? one.difference[name] : one.difference.tasks[i]);
        const rest = one.target ? numbers(one, places, change) : cells.slice(1).map(() => ["–", words.unmeasured]);
        columns.push([[one.name, ""], ...rest]);
      }
      cells.forEach((row, i) => row.forEach((cell, j) => {
        if (!cell) return;
        setText(cell.value, columns[j][i][0]);
        setText(cell.more, columns[j][i][1]);
      }));
    },
  };
}
