// Explanations of dotted words, anywhere on the page: <button class="lx-term" data-term="clip">. They open by hover,
// focus and tap, and close by leaving, Esc or another tap. `glossary()` gives {term: [title, explanation]}.
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
    const entry = glossary()[word.dataset.term];
    if (!entry || shown === word) return;
    close();
    shown = word;
    const title = Object.assign(document.createElement("b"), { textContent: entry[0] });
    tip.replaceChildren(title, document.createElement("br"), entry[1]);
    tip.hidden = false;
    word.setAttribute("aria-describedby", tip.id);
    const at = word.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const below = at.bottom + 6 + size.height < window.innerHeight;
    tip.style.left = Math.max(8, Math.min(at.left, window.innerWidth - size.width - 8)) + "px";
    tip.style.top = (below ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)) + "px";
  }
  const term = (event) => event.target.closest?.(".lx-term");
  document.addEventListener("mouseover", (event) => term(event) && open(term(event)));
  document.addEventListener("mouseout", (event) => term(event) && document.activeElement !== term(event) && close());
  document.addEventListener("focusin", (event) => (term(event) ? open(term(event)) : close()));
  document.addEventListener("click", (event) => (term(event) ? open(term(event)) : close()));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    close();
    event.stopImmediatePropagation(); // the story stays open
  }, true);
  window.addEventListener("scroll", close, { passive: true, capture: true });
}
