// Explanations of dotted words, anywhere on the page: <button class="lx-term" data-term="clip">, or with the explanation
// itself in data-says. They open by hover, focus and tap, and close by leaving, Esc or another tap. `glossary()` gives
// {term: [title, explanation]}.
function explainTerms(glossary) {
  const tip = document.createElement("div");
  tip.id = "lx-term-tip";
  tip.className = "lx-term-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let shown = null;

  function close() {
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    tip.hidden = true;
  }
  function open(word) {
    const { term, says } = word.dataset, entry = says ? [word.textContent, says] : glossary()[term];
    if (!entry || shown === word) return;
    close();
    shown = word;
    const title = Object.assign(document.createElement("b"), { textContent: entry[0] });
    tip.replaceChildren(title, document.createElement("br"), entry[1]);
    tip.hidden = false;
    word.setAttribute("aria-describedby", tip.id);
    place();
  }
  function place() {
    const at = shown.getBoundingClientRect(), size = tip.getBoundingClientRect();
    tip.style.visibility = at.bottom > 0 && at.top < window.innerHeight ? "" : "hidden";
    const below = at.bottom + 6 + size.height < window.innerHeight;
    tip.style.left = Math.max(8, Math.min(at.left, window.innerWidth - size.width - 8)) + "px";
    tip.style.top = (below ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)) + "px";
  }
  const termAt = (event) => event.target.closest?.(".lx-term");
  document.addEventListener("mouseover", (event) => {
    if (termAt(event)) open(termAt(event));
    else if (shown && !shown.isConnected) close(); // a new answer has replaced the word
  });
  document.addEventListener("mouseout", (event) => termAt(event) && document.activeElement !== termAt(event) && close());
  document.addEventListener("focusin", (event) => (termAt(event) ? open(termAt(event)) : close()));
  document.addEventListener("click", (event) => (termAt(event) ? open(termAt(event)) : close()));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    close();
    event.stopImmediatePropagation(); // the story stays open
  }, true);
  // The focus scrolls a word that it reaches into view: that must not close what it opened.
  const scrolled = () => shown && (shown === document.activeElement ? place() : close());
  window.addEventListener("scroll", scrolled, { passive: true, capture: true });
}
