// Target and control in large figures, each with its interval and its distance from the fine-tuned model.
function accuracyTiles(node, { words }) {
  const tiles = ["target", "control"].map((name) => {
    const what = html("span"), value = html("div", { class: "lx-tile-value" }), more = html("div", { class: "lx-tile-more" });
    const tile = html("div", { class: "lx-tile" }, html("div", { class: "lx-tile-name" }, withTerms(`[[${name}|${words[`${name}_tile`]}]] `), what), value, more);
    return { name, tile, what, value, more };
  });
  const row = html("div", { class: "lx-tiles" }, ...tiles.map(({ tile }) => tile));
  return {
    draw(evaluation, finetuned, controls) {
      if (!row.isConnected) node.replaceChildren(row);
      row.style.setProperty("--role", `var(--c-${evaluation.role})`);
      const titles = { target: evaluation.tasks.find((task) => task.role === "target").title, control: controls };
      for (const { name, what, value, more } of tiles) {
        const accuracy = evaluation[name];
        const change = finetuned ? ` · ${pointsText(accuracy.value - finetuned[name].value)} ${words.against_finetuned}` : "";
        setText(what, titles[name]);
        setText(value, percentText(accuracy.value));
        setText(more, rangeText(accuracy) + change);
      }
    },
  };
}
