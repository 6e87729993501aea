// The box with details beside what the pointer or the keyboard is at, inside `around` (which is positioned). What it
// says also stands in the hidden table, so screen readers skip it.
function detailTip(around) {
  const node = html("div", { class: "lx-tip", "aria-hidden": "true", hidden: "" });
  around.append(node);
  new ResizeObserver(() => (node.hidden = true)).observe(around); // its place is no longer there
  return {
    // x, y in pixels of `around`; the first line is the heading
    show(x, y, [heading, ...lines]) {
      node.replaceChildren(html("b", {}, heading), ...lines.map((line) => html("span", {}, line)));
      node.hidden = false;
      const left = x + 14 + node.offsetWidth > around.clientWidth ? x - 14 - node.offsetWidth : x + 14;
      const top = Math.min(Math.max(y - node.offsetHeight / 2, 0), around.clientHeight - node.offsetHeight);
      node.style.transform = `translate(${Math.round(Math.max(left, 0))}px, ${Math.round(top)}px)`;
    },
    hide() {
      node.hidden = true;
    },
  };
}
