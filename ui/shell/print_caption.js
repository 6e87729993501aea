// Before the page is printed: what the controls of the open page are set to, and its link, as text under the title, and
// how much a chart that is wider than the paper has to shrink (print.css). Charts keep the size that they have on screen.
(() => {
  const PAPER = 636; // CSS pixels between the margins of an A4 page and the edges of a card
  const seen = (node) => node.getClientRects().length > 0;
  const words = (node) => (node ? node.textContent.trim() : "");

  function setting(block) {
    const name = words(block.querySelector('[data-testid="block-info"], .label-text'));
    const number = block.querySelector('input[type="number"]'), boxes = [...block.querySelectorAll("input:is([type=checkbox], [type=radio])")];
    if (number) return [name, number.value];
    if (boxes.length) {
      const chosen = boxes.filter((box) => box.checked).map((box) => words(box.closest("label")));
      return boxes.length === 1 ? [words(boxes[0].closest("label")), chosen.length ? "on" : "off"] : [name, chosen.join(", ")];
    }
    const field = block.querySelector("input");
    return [name, field ? field.value : ""];
  }

  window.addEventListener("beforeprint", () => {
    let caption = document.getElementById("lx-printed");
    if (!caption) {
      caption = Object.assign(document.createElement("div"), { id: "lx-printed" });
      document.getElementById("lx-pages").before(caption);
    }
    const panels = [...document.querySelectorAll(".lx-controls")].filter((panel) => panel.querySelectorAll("*").length && [...panel.children].some(seen));
    const blocks = panels.flatMap((panel) => [...panel.querySelectorAll(".block")]).filter((block) => seen(block) && !block.querySelector(".block"));
    const set = blocks.map(setting).filter(([name, value]) => name && value !== "").map(([name, value]) => `${name}: ${value}`);
    const open = words(document.querySelector('#lx-pages > .tab-wrapper [role="tab"][aria-selected="true"]'));
    const link = window.lxAddress ? window.lxAddress.link() : window.location.href;
    const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
    caption.replaceChildren(...[open, set.join(" · "), link].filter(Boolean).map(line));
    for (const chart of document.querySelectorAll(".lx-chart")) {
      if (seen(chart)) chart.style.setProperty("--print-zoom", Math.min(1, PAPER / chart.clientWidth).toFixed(3));
      chart.style.setProperty("--print-width", `${chart.clientWidth}px`);
      chart.style.setProperty("--print-height", `${chart.clientHeight}px`);
    }
  });
})();
