// Shows that the files listed were made with other settings than those set now: the controls at `places` of
// ui/address/address.js, which Python gives before this code.

// Settings as text; what is ticked is the same in any order.
function written(values) {
  return JSON.stringify(values.map((value) => (Array.isArray(value) ? [...value].sort() : value)));
}

function mark() {
  const notice = element.querySelector("[data-made]");
  if (!notice) return;
  const now = places.map((at) => window.lxAddress.values()[at]);
  notice.hidden = written(JSON.parse(notice.dataset.made)) === written(now);
}
new MutationObserver(mark).observe(element, { childList: true, subtree: true });
window.addEventListener("lx-named", mark);
