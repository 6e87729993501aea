// Gradio's accordions say by a class alone whether they are open, and the button of the QR code not at all: screen
// readers are told by aria-expanded. And equations that scroll within themselves can be scrolled by keyboard.
(() => {
  const say = (button, open) => {
    if (button && button.getAttribute("aria-expanded") !== String(open)) button.setAttribute("aria-expanded", open);
  };
  const look = () => {
    for (const button of document.querySelectorAll("button.label-wrap")) say(button, button.classList.contains("open"));
    for (const equation of document.querySelectorAll(".katex-display:not([tabindex])")) equation.tabIndex = 0;
    say(document.getElementById("lx-show-qr"), Boolean(document.querySelector("#lx-qr svg")));
  };
  new MutationObserver(look).observe(document.documentElement, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["class"],
  });
})();
