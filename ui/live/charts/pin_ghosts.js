// Pins in the scatter: a ghost dot with its letter where a kept position of the same model and checkpoint is.
// `place` is {x, y} of percentAxis; a pin that is not measured yet has no place.
const placed = (pins) => pins.filter((pin) => pin.target);

function pinGhosts(group, { x, y }, pins) {
  const ghost = ({ letter, role, target, control }) =>
    svg("g", { class: "lx-pin-ghost", "data-letter": letter, style: `--c: var(--c-${role})`,
      transform: `translate(${x.at(control.value).toFixed(1)},${y.at(target.value).toFixed(1)})` },
      svg("circle", { r: 11 }), svg("text", { y: 4.5, "text-anchor": "middle" }, letter));
  group.replaceChildren(...pins.map(ghost));
}
