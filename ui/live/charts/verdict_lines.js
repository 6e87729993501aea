// The plain sentence, below it what it rests on with a bar of how much has been counted, and the line that waits.
// A screen reader hears the sentence once the answer is complete and the controls rest, not every number on the way.
const SPOKEN_AFTER = 800; // milliseconds
function verdictLines(sentence, line) {
  const spoken = html("p", { class: "lx-hidden lx-spoken", role: "status", "aria-live": "polite" });
  sentence.after(spoken);
  let resting = null;
  const said = html("p", { class: "lx-sentence" }), evidence = html("p", { class: "lx-evidence" });
  const text = html("span"), bar = html("i", { class: "lx-bar", hidden: "" });
  const waits = html("span");
  evidence.append(text, bar);
  return {
    draw(words, counted = 1) {
      clearTimeout(resting);
      if (counted >= 1 && words.sentence) resting = setTimeout(() => setText(spoken, words.sentence), SPOKEN_AFTER);
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
