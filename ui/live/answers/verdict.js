// The sentence on top of Explore: what an edit keeps and what it gets back, as far as 95 % intervals tell.
//   edit, pretrained, finetuned  {complete, role, target, control: counts [correct, n] of these tasks}; the two
//                                references are null while they are not measured
//   names                        {task, others}: the fine-tuned task and the control tasks within a sentence
function verdictOf(edit, pretrained, finetuned, names, words) {
  const say = (key, values) => fillIn(words[key], { ...names, ...values });
  const percent = (counts) => percentText(meanOf(counts));
  if (!pretrained || !finetuned) return say("comparing");
  if (!edit.complete) return say("so_far", { target: percent(edit.target), control: percent(edit.control) });
  const change = (before, after, side) => ({ before: percent(before[side]), after: percent(after[side]) });
  const sign = (before, after, side) => ["worse", "same", "better"][compared(before[side], after[side]) + 1];
  const learning = sign(pretrained, finetuned, "target"), losing = sign(pretrained, finetuned, "control");
  const learned = say(`learned_${learning}`, change(pretrained, finetuned, "target"));
  if (edit.role === "pretrained") return say("is_pretrained", { target: percent(edit.target) });
  if (edit.role === "finetuned") return say("is_finetuned", { learned, lost: say(`lost_${losing}`, change(pretrained, finetuned, "control")) });

  const against = { target: sign(finetuned, edit, "target"), control: sign(finetuned, edit, "control") };
  const kept = meanOf(edit.target) / meanOf(finetuned.target);
  const keeps = learning !== "better" ? say("not_learned", { learned, target: percent(edit.target) })
    : against.target === "better" ? say("beats", change(finetuned, edit, "target"))
    : say("keeps", { share: kept >= 1 ? words.all : percentText(kept) });

  const lost = meanOf(pretrained.control) - meanOf(finetuned.control);
  const back = (meanOf(edit.control) - meanOf(finetuned.control)) / lost, now = sign(pretrained, edit, "control");
  const getsBack = losing !== "worse" ? say(`nothing_lost_${against.control}`, change(finetuned, edit, "control"))
    : against.control !== "better" ? say(`back_${against.control}`)
    : now === "better" ? say("knows_more", change(pretrained, edit, "control"))
    : now === "same" ? say("back_level", change(pretrained, edit, "control"))
    : say("back_better", { share: percentText(back, 0), ...change(finetuned, edit, "control") });
  return say("verdict", { keeps, back: getsBack });
}
