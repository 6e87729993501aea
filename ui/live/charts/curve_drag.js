// Drags the edit along the measured gamma curve of the scatter: the place on it that is nearest to the pointer, also
// between two of its points, gives gamma. A ring shows that place until the numbers arrive.
//   holds(event)  whether the pointer is on the edit's mark
//   set(gamma)    is called with gamma in hundredths, at most once a frame
// Returns {lay(curve), ride(gamma), active(), ended()}: `curve` is [{gamma, x, y}] in pixels, or empty while it is not
// known; `ride` puts the ring at gamma, null hides it; `ended` says once that a click was the end of a drag.
function curveDrag(node, group, holds, set) {
  const ring = svg("circle", { class: "lx-ring", r: 12, visibility: "hidden" });
  group.append(ring);
  let curve = [], held = null, asked = null, dragged = false;
  const between = (a, b, part) => ({ gamma: a.gamma + part * (b.gamma - a.gamma), x: a.x + part * (b.x - a.x), y: a.y + part * (b.y - a.y) });

  function put(place) {
    ring.setAttribute("visibility", place ? "visible" : "hidden");
    if (place) ring.setAttribute("transform", `translate(${place.x.toFixed(1)},${place.y.toFixed(1)})`);
  }

  function nearest(x, y) {
    let best = null, least = Infinity;
    for (let i = 1; i < curve.length; i++) {
      const [a, b] = [curve[i - 1], curve[i]], [dx, dy] = [b.x - a.x, b.y - a.y];
      const part = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1)));
      const place = between(a, b, part), far = Math.hypot(place.x - x, place.y - y);
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }

  function move(gamma) {
    if (asked === null) requestAnimationFrame(() => {
      set(asked);
      asked = null;
    });
    asked = Math.round(100 * gamma) / 100;
  }

  function release() {
    held = null;
    put(null);
  }

  node.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button || curve.length < 2 || !holds(event)) return;
    event.preventDefault();
    held = event.pointerId;
    node.setPointerCapture(held);
  });
  node.addEventListener("pointermove", (event) => {
    if (held !== event.pointerId || !(dragged || event.movementX || event.movementY)) return;
    dragged = true;
    const { left, top } = node.getBoundingClientRect(), place = nearest(event.clientX - left, event.clientY - top);
    put(place);
    move(place.gamma);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(name, release);

  return {
    lay(points) {
      curve = points;
    },
    ride(gamma) {
      const after = curve.findIndex((point) => point.gamma <= gamma);
      if (gamma === null || after < 0) return put(null);
      const [a, b] = [curve[Math.max(0, after - 1)], curve[after]];
      put(between(a, b, a.gamma === b.gamma ? 0 : (gamma - a.gamma) / (b.gamma - a.gamma)));
    },
    active: () => held !== null && dragged,
    ended() {
      const was = dragged;
      dragged = false;
      return was;
    },
  };
}
