// A ring around what a step of the story speaks of; it follows the element while the page scrolls or changes.
function makeSpotlight() {
  const ring = document.createElement("div");
  ring.className = "lx-spot";
  ring.hidden = true;
  document.body.append(ring);
  let selector = null, frame = 0, scrolled = null, tell = null;

  function follow() {
    const found = selector && [...document.querySelectorAll(selector)].find((one) => one.getClientRects().length);
    ring.hidden = !found;
    if (found) {
      if (scrolled !== selector) {
        scrolled = selector;
        const at = found.getBoundingClientRect();
        const phone = window.innerWidth <= 760; // the card covers the lower half, a slider the top
        const [top, bottom] = phone ? [140, 0.54 * window.innerHeight] : [0, window.innerHeight];
        const inSight = at.top >= top && at.bottom <= bottom;
        found.style.scrollMarginTop = top + "px";
        const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        if (!inSight) found.scrollIntoView({ block: phone ? "start" : "center", behavior: still ? "auto" : "smooth" });
      }
      const at = found.getBoundingClientRect();
      if (tell) tell(at.left + at.width / 2 > 0.55 * window.innerWidth);
      tell = null;
      const place = [at.left - 6, at.top - 6, at.width + 12, at.height + 12].map((number) => Math.round(number) + "px");
      ["left", "top", "width", "height"].forEach((name, i) => {
        if (ring.style[name] !== place[i]) ring.style[name] = place[i];
      });
    }
    frame = selector ? requestAnimationFrame(follow) : 0;
  }
  return {
    // `told` is called with whether the element lies in the right half of the window, once it is found.
    on(wanted, told) {
      selector = wanted;
      tell = told;
      scrolled = null;
      if (!frame) frame = requestAnimationFrame(follow);
    },
    off() {
      selector = null;
      ring.hidden = true;
    },
  };
}
