// Shows that the files listed were made with other settings than those set now: the controls at `places` of
// ui/address/address.js, which Python gives before this code.
function mark() {
  const notice = element.querySelector("[data-made]");
  if (!notice) return;
  const now = places.map((at) => window.lxAddress.values()[at]);
  notice.hidden = JSON.stringify(JSON.parse(notice.dataset.made)) === JSON.stringify(now);
}
new MutationObserver(mark).observe(element, { childList: true, subtree: true });
window.addEventListener("lx-named", mark);
