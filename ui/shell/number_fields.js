// Number fields pass on only what they take: an empty, unreadable or out-of-range entry never reaches the
// listeners of its component, the field says what it takes, and leaving it brings back the last good value.
(() => {
  const FIELDS = '.gradio-container input[type="number"]';
  const good = new WeakMap();
  const counts = ({ step }) => step !== "" && Number.isInteger(+step); // with a step of 1, 2, … only whole numbers
  const takes = (field) => {
    const [low, high] = [field.min, field.max].map((bound) => (bound === "" ? null : bound));
    const whole = counts(field) ? "whole numbers" : "";
    if (low === null && high === null) return `Takes ${whole || "a number"}.`;
    if (low === null || high === null) return `Takes ${whole && whole + ", "}${low === null ? `at most ${high}` : `${low} or more`}.`;
    return `Takes ${whole && whole + " from "}${low} to ${high}.`;
  };
  const inside = ({ value, min, max }) => !(min !== "" && +value < +min) && !(max !== "" && +value > +max);
  const fine = (field) =>
    field.value.trim() !== "" && (counts(field) ? Number.isInteger : Number.isFinite)(+field.value) && inside(field);
  const say = (field, words) => {
    const id = "lx-takes-" + field.closest("[id]").id;
    let hint = document.getElementById(id);
    if (!hint && words) {
      hint = Object.assign(document.createElement("div"), { id, className: "lx-takes" });
      hint.setAttribute("role", "status");
      field.closest(".block").append(hint);
    }
    if (hint) hint.textContent = words;
    field.toggleAttribute("aria-invalid", Boolean(words));
    if (words) field.setAttribute("aria-describedby", id);
  };
  addEventListener("focusin", ({ target }) => {
    if (target.matches?.(FIELDS) && fine(target)) good.set(target, target.value);
  });
  const guard = (event) => {
    const field = event.target;
    if (!field.matches?.(FIELDS)) return;
    if (fine(field)) {
      good.set(field, field.value);
      return say(field, "");
    }
    event.stopImmediatePropagation();
    say(field, takes(field));
  };
  for (const name of ["input", "change"]) addEventListener(name, guard, true);
  addEventListener("beforeinput", (event) => {
    if (event.data !== "," || !event.target.matches?.(FIELDS)) return;
    event.preventDefault(); // a decimal comma; the field itself would drop it and read 0,5 as 05
    document.execCommand("insertText", false, ".");
  }, true);
  const clear = () => {
    for (const hint of document.querySelectorAll(".lx-takes"))
      if (!hint.parentElement.querySelector("[aria-invalid]")) hint.textContent = "";
  };
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, clear, true);
  const restore = ({ target: field }) => {
    if (!field.matches?.(FIELDS) || fine(field) || !good.has(field)) return;
    field.value = good.get(field);
    say(field, `${takes(field)} Back at ${field.value}.`);
    field.removeAttribute("aria-invalid");
  };
  addEventListener("blur", restore, true);
  addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches?.(FIELDS) && restore(event), true);
})();
