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
  // A first visit pays for 2 MB more only once its visitor does something.
  const signs = ["pointerdown", "keydown", "scroll"], stop = new AbortController();
  const begin = () => (stop.abort(), keep());
  if (workers.controller) keep();
  else for (const sign of signs) window.addEventListener(sign, begin, { passive: true, signal: stop.signal });
}
