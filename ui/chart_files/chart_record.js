// What is saved of a chart: {title, alt, name, caption, table, draw}, or null while its numbers are awaited.
// `chart` comes from the panel: {evaluation, landmarks, words} of an answer of Explore, or {figure} or {bars} of a panel,
// with `sample`, the images that were counted.
// The secret in the key of a visitor's own checkpoint, or of an added task, never goes into a file.
const withoutSecret = (text) => String(text).replace(/own-[0-9a-f]+\./g, "own-").replace(/task-[0-9a-f]{20}/g, "task");
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function chartRecord(figure, chart) {
  const node = figure.querySelector("[data-chart]"), root = figure.closest(".lx-live");
  if (!chart || root.matches('.lx-stale, [data-state="waiting"], [data-state="error"], [data-state="empty"]')) return null;
  const text = (selector) => (figure.querySelector(selector) || root.querySelector(selector) || {}).innerText || "";
  const common = { title: text(".lx-title"), alt: node.getAttribute("aria-label") };
  const record = chart.evaluation ? exploreRecord(node, chart) : panelRecord(node, chart, text);
  record.caption = [text(".lx-note") && `${text(".lx-note")}.`, ...record.caption, pageLink()].filter(Boolean).map(withoutSecret);
  return { ...common, ...record };
}

const pageLink = () => (window.lxAddress ? window.lxAddress.link() : window.location.href);

function exploreRecord(node, { evaluation, landmarks, words }) {
  const { spec, tasks, factors, role } = evaluation, { chart } = node.dataset;
  const n = tasks.reduce((sum, task) => sum + task.n, 0);
  const counts = { split: spec.split === "val" ? "validation" : spec.split, n, tasks: tasks.map((task) => `${task.title} ${task.n} (${task.role})`).join(", ") };
  const mixed = spec.mix === 1 ? "" : filled(fixed.words.mixed, spec), setting = { ...spec, outside: fixed.words.outside[spec.outside], mixed };
  const draw = {
    schedule: () => drawnSchedule({ labels: depthNames(factors), values: factors, role }),
    tasks: () => drawnTasks(evaluation, landmarks.anchors),
    tradeoff: () => plainCopy(node.querySelector("svg")),
  }[chart];
  return {
    name: `${chart}-${evaluation.file}`,
    caption: [
      `${words.evidence}.`,
      filled(fixed.words[spec.free_form ? "free" : spec.shape === "flat" ? "flat" : "setting"], setting),
      filled(fixed.words.images, counts),
      fixed.words[chart === "schedule" ? "no_intervals" : "intervals"],
    ],
    table: exploreTable(chart, { evaluation, landmarks }),
    draw: async () => draw(),
  };
}

function panelRecord(node, { figure, bars, sample = "" }, text) {
  const about = withoutSecret(text('[data-slot="subject"]'));
  const name = [node.dataset.chart, ...about.toLowerCase().normalize("NFKD").match(/[a-z0-9.]+/g) || []].join("-").slice(0, 90);
  const whiskers = figure && figure.data.some((trace) => (trace.error_x || trace.error_y || {}).array);
  const intervals = bars ? "no_intervals" : whiskers ? "intervals" : "unmarked";
  const width = Math.max(node.clientWidth, 480), height = Math.max(node.clientHeight, 300);
  return {
    name: name.replace(/\.+$/, ""),
    caption: [about && `${about}.`, sample && `${sample}.`, fixed.words[intervals]],
    table: tracesTable({ figure, bars, about: [about, sample].filter(Boolean).join("; ") }),
    draw: async () => (bars ? drawnSchedule(bars) : plotlyCopy(figure, width, height)),
  };
}
