// The pages of the explorer as tabs: one is shown, arrow keys go from tab to tab. An open page fires "select".
function makeTabs(parts) {
  const tabs = [...document.querySelectorAll("#lx-pages [role=tab]")];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  function open(key, focus) {
    const chosen = tabs.find((tab) => tab.dataset.tab === key);
    if (!chosen || chosen.getAttribute("aria-selected") === "true") return;
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
    if (focus) chosen.focus();
    parts.fire(Number(panel(chosen).dataset.part), "select");
  }
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => open(tab.dataset.tab));
    tab.addEventListener("keydown", ({ key }) => {
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[key];
      if (next !== undefined) open(tabs.at(next % tabs.length).dataset.tab, true);
    });
  });
  return { open };
}
