// The edit in the scatter: its symbol and its two 95 % intervals. A move changes a few attributes and nothing else.
function tradeoffPoint(group, { roles }) {
  const whiskers = [0, 1].map(() => svg("path", { class: "lx-now-whisker" }));
  const mark = svg("path", { class: "lx-now" });
  group.append(...whiskers, svg("circle", { class: "lx-now-hit", r: 22 }), mark);
  let shape = "";
  return function move({ target, control, role }, { x, y }) {
    const cx = x.at(control.value), cy = y.at(target.value);
    const [left, right] = [x.at(control.low) - cx, x.at(control.high) - cx].map((part) => part.toFixed(1));
    const [low, high] = [y.at(target.low) - cy, y.at(target.high) - cy].map((part) => part.toFixed(1));
    group.setAttribute("transform", `translate(${cx.toFixed(1)},${cy.toFixed(1)})`);
    whiskers[0].setAttribute("d", `M${left},0H${right}M${left},-3V3M${right},-3V3`);
    whiskers[1].setAttribute("d", `M0,${low}V${high}M-3,${low}H3M-3,${high}H3`);
    if (shape !== role) {
      shape = role;
      mark.setAttribute("d", markPath(roles[role].marker, 8.5));
      group.style.setProperty("--c", `var(--c-${role})`);
    }
    return { cx, cy };
  };
}
