// A ring around what a step of the story speaks of; it follows the element while the page scrolls or changes. The card
// that speaks goes to the corner of the window where it covers least of the element, and of the slider.
function makeSpotlight() {
  const ring = document.createElement("div");
  ring.className = "lx-spot";
  ring.hidden = true;
  document.body.append(ring);
  const SETTLES = 3000; // milliseconds in which the answer to a step may still move what it points at
  let selector = null, card = null, frame = 0, scrolled = null, placed = "", since = 0;
  document.addEventListener("answered", () => {
    if (performance.now() - since < SETTLES) scrolled = null;
  });

  const visible = (wanted) => [...document.querySelectorAll(wanted)].find((one) => one.getClientRects().length);
  const phone = () => window.innerWidth <= 760; // the card has the whole width there

  // What of a window's height the card and a slider that sticks to its top leave free.
  function free() {
    if (!phone()) return [0, window.innerHeight];
    const slider = visible(".lx-sliders"), sticks = slider && getComputedStyle(slider).position === "sticky";
    return [sticks ? slider.offsetHeight + 12 : 12, card.getBoundingClientRect().top - 8];
  }

  function show(found) {
    const at = found.getBoundingClientRect(), [top, bottom] = free();
    const own = found.closest(".lx-sliders"); // it sticks to the top itself
    found.style.scrollMarginTop = (phone() ? top : 24) + "px";
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const fits = at.top >= top && at.bottom <= bottom && (phone() || place(found) === 0);
    if (!own && !fits) found.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
  }

  // Moves the card to its corner. Returns: how much of the element it covers there, in square pixels.
  function place(found) {
    const margin = 20, { offsetWidth: width, offsetHeight: height } = card, slider = visible(".lx-sliders");
    const covered = (one, left, top) => {
      const at = one.getBoundingClientRect();
      const wide = Math.min(left + width, at.right + 8) - Math.max(left, at.left - 8);
      const high = Math.min(top + height, at.bottom + 8) - Math.max(top, at.top - 8);
      return Math.max(0, wide) * Math.max(0, high);
    };
    let least = Infinity, hidden = 0;
    for (const end of ["bottom", "top"]) {
      for (const side of ["right", "left"]) {
        const corner = [side === "left" ? margin : window.innerWidth - width - margin, end === "top" ? margin : window.innerHeight - height - margin];
        const of = covered(found, ...corner), cost = 2 * of + (slider ? covered(slider, ...corner) : 0);
        if (cost < least) [least, hidden, card.dataset.side, card.dataset.end] = [cost, of, side, end];
      }
    }
    return hidden;
  }

  function follow() {
    const found = selector && visible(selector);
    ring.hidden = !found;
    if (found) {
      if (scrolled !== selector) {
        scrolled = selector;
        show(found);
      }
      const at = found.getBoundingClientRect();
      const where = [at.left - 6, at.top - 6, at.width + 12, at.height + 12].map((number) => Math.round(number) + "px");
      ["left", "top", "width", "height"].forEach((name, i) => {
        if (ring.style[name] !== where[i]) ring.style[name] = where[i];
      });
      const now = [...where, card.offsetHeight].join();
      if (!phone() && now !== placed) place(found);
      placed = now;
    }
    frame = selector ? requestAnimationFrame(follow) : 0;
  }
  return {
    on(wanted, speaker) {
      if (wanted !== selector) [scrolled, since] = [null, performance.now()];
      selector = wanted;
      card = speaker;
      placed = "";
      if (!frame) frame = requestAnimationFrame(follow);
    },
    off() {
      selector = null;
      ring.hidden = true;
    },
  };
}
