// A text that is read as a whole reaches its listeners once it is finished, with Enter or when its field is left: half a
// list of weights would be answered by an error at every letter. "change" would not do: it compares with the text that
// the field had when it was entered, whatever Enter sent since.
(() => {
  const FIELDS = ".lx-finished :is(input, textarea)";
  const hold = (event) => event.isTrusted && event.target.matches?.(FIELDS) && event.stopImmediatePropagation();
  const pass = ({ target }) => target.matches?.(FIELDS) && target.dispatchEvent(new Event("input", { bubbles: true }));
  addEventListener("input", hold, true);
  addEventListener("focusout", pass, true);
  addEventListener("keydown", (event) => event.key === "Enter" && pass(event), true);
})();
