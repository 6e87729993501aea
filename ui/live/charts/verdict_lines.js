// The plain sentence, below it what it rests on with a bar of how much has been counted, and the line that waits.
function verdictLines(sentence, line) {
  const said = html("p", { class: "lx-sentence" }), evidence = html("p", { class: "lx-evidence" });
  const text = html("span"), bar = html("i", { class: "lx-bar", hidden: "" });
  const waits = html("span");
  evidence.append(text, bar);
  return {
    draw(words, counted = 1) {
      if (words.sentence !== undefined) {
        if (!said.isConnected) sentence.replaceChildren(said, evidence);
        setText(said, words.sentence);
        said.classList.toggle("lx-trouble", words.evidence === undefined);
        setText(text, words.evidence || "");
        bar.hidden = counted >= 1;
        bar.style.setProperty("--part", counted.toFixed(3));
      }
      setText(waits, words.line || "");
      if (words.line && !waits.isConnected) line.append(waits);
      if (!words.line) waits.remove();
    },
  };
}
