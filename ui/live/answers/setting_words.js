// An edit in words; `spec` has shape, alpha, beta, mix, outside, and free_form with the shape "free".
//   words  ui/explore/answer_words.py: sentences, and in `shapes` and `rules` the names of scaling functions and rules
const shortly = (value) => String(Number(value.toPrecision(6)));

function editWords(spec, words) {
  const numbers = { shape: words.shapes[spec.shape], alpha: shortly(spec.alpha), beta: shortly(spec.beta), mix: shortly(spec.mix) };
  const line = spec.free_form ? words.setting_free : spec.shape === "flat" ? words.setting_flat : words.setting_line;
  return fillIn(line + (spec.mix === 1 ? "" : words.setting_mix), numbers);
}

// The same with the rule for the parts outside the blocks where it is not the usual one.
function settingWords(spec, words) {
  const outside = spec.outside === "alpha" ? "" : fillIn(words.setting_outside, { rule: words.rules[spec.outside] });
  return editWords(spec, words) + outside;
}

// For names of files: the checkpoint, and the setting in plain letters. Keys of what a visitor has added hold a secret: of
// a checkpoint it is left out, and a task is called by its title.
function fileName(spec, words, tasks) {
  const tied = spec.shape === "linear" && Math.abs(spec.alpha + spec.beta - 1) < 1e-9, said = settingWords(spec, words);
  const short = tied ? said.replace(/^.*β = [\d.]+/, `gamma${shortly(spec.alpha)}`) : said;
  const plain = short.replaceAll("α = ", "alpha").replaceAll("β = ", "beta");
  const key = spec.checkpoint.split(".").at(-1), { title = "" } = tasks.find((task) => task.key === key) ?? {};
  const named = title.toLowerCase().normalize("NFKD").replace(/[^\0-\x7f]/g, "").match(/[a-z0-9]+/g) ?? ["task"];
  const parts = [key.startsWith("task-") ? named.join("-") : key, ...plain.match(/[\w.]+/g)];
  return parts.join("-").replaceAll("mix-", "mix").slice(0, 90);
}
