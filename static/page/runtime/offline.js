// Keeps the page for use without a connection (static/page/service_worker.js), where the browser and the address allow it.
function keepOffline(version) {
  const workers = navigator.serviceWorker;
  if (!workers || !window.isSecureContext || navigator.connection?.saveData) return;
  const keep = async () => {
    try {
      await workers.register("service-worker.js");
      const { active } = await workers.ready;
      if (!workers.controller) active.postMessage({ version });
    } catch {
      // The page then needs its connection, as any other page does.
    }
  };
  if (document.readyState === "complete") keep();
  else window.addEventListener("load", keep);
}
