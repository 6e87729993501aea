// The layer schedule as bars in plain HTML: an update takes less than a frame, a Plotly chart's 12 to 20 ms.
// `node` holds one .lx-factor for each of `labels`; the style sheet turns --v, --low and --high into heights.
function makeBars(node, labels) {
  const wanted = labels.join(" ");
  if (node.dataset.labels === wanted) return;
  node.dataset.labels = wanted;
  node.classList.add("lx-factors");
  const make = (name, ...inside) => {
    const made = document.createElement("span");
    made.className = name;
    made.append(...inside);
    return made;
  };
  const rules = [0, 0.5, 1].map((at) => make("lx-rule", String(at)));
  rules.forEach((rule) => rule.style.setProperty("--v", rule.textContent));
  const bars = labels.map((label) => make("lx-factor", make("lx-factor-value"), make("lx-factor-label", label)));
  node.replaceChildren(...rules, ...bars);
  if (!barWidths.has(node)) barWidths.set(node, new ResizeObserver(() => fitBars(node)));
  barWidths.get(node).disconnect(); // observing anew calls back at once, for the new number of bars
  barWidths.get(node).observe(node);
}

// Where bars are narrow, numbers stand upright, and only every second label is shown.
const barWidths = new WeakMap();
function fitBars(node) {
  const each = node.clientWidth / node.querySelectorAll(".lx-factor").length;
  node.classList.toggle("lx-upright", each < 30);
  node.classList.toggle("lx-many", each < 19);
}

// The axis always holds 0 to 1, more when the schedule or one of `others` leaves it, and room for the numbers.
function setBars(node, values, others = []) {
  const low = Math.min(0, ...values, ...others), high = Math.max(1, ...values, ...others), room = 0.32 * (high - low); // for upright numbers
  node.style.setProperty("--low", low < 0 ? low - room : low);
  node.style.setProperty("--high", high + room);
  node.querySelectorAll(".lx-factor").forEach((bar, i) => {
    bar.style.setProperty("--v", values[i].toFixed(4));
    bar.firstChild.textContent = values[i].toFixed(2);
  });
}

