// An axis of accuracy in percent that holds all values (fractions) with some room. Its ends are multiples of 5, so
// that it rarely moves, and it never leaves the scale by more than a mark's width.
function percentAxis(values, from, to) {
  const shown = values.map((value) => 100 * value), room = 3;
  const low = Math.max(5 * Math.floor((Math.min(...shown) - room) / 5), -3);
  const high = Math.min(5 * Math.ceil((Math.max(...shown) + room) / 5), 103);
  const step = [5, 10, 20, 25, 50].find((one) => (Math.abs(to - from) * one) / (high - low) >= 44) || 50;
  const ticks = [];
  for (let tick = step * Math.ceil(low / step); tick <= high; tick += step) ticks.push(tick);
  return { low, high, ticks, at: (value) => from + ((100 * value - low) / (high - low)) * (to - from) };
}
