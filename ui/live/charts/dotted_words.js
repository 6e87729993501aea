// A text with [[term|shown words]] as nodes.
function withTerms(text) {
  const part = document.createDocumentFragment();
  for (const piece of text.split(/(\[\[[^\]]+\]\])/)) {
    const marked = piece.match(/^\[\[(\w+)\|([^\]]+)\]\]$/);
    if (!marked) {
      part.append(piece);
      continue;
    }
    const word = Object.assign(document.createElement("button"), { type: "button", className: "lx-term", textContent: marked[2] });
    word.dataset.term = marked[1];
    part.append(word);
  }
  return part;
}
