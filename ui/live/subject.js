// Whether an answer is about what the controls name now. Python sends with each answer the values that it was asked
// with; `fixed.subject` are the places of these controls among the values of ui/address/address.js. An answer to
// other values is not drawn, and what is still shown of them, marked with `data-asked`, is greyed out until the next answer.
function named() {
  const values = window.lxAddress ? fixed.subject.map((at) => window.lxAddress.values()[at]) : [undefined];
  return values.includes(undefined) ? null : JSON.stringify(values);
}
const isCurrent = (value) => !value.asked || [null, JSON.stringify(value.asked)].includes(named());

function markStale() {
  const now = named();
  for (const shown of element.querySelectorAll("[data-asked]"))
    shown.classList.toggle("lx-stale", Boolean(now) && shown.dataset.asked !== now);
}
window.addEventListener("lx-named", markStale);
