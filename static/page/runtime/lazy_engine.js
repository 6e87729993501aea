// The engine of the page, which is fetched when it is first needed: some megabytes, with progress and a way to say no.
//   settings  {base, words, bytes}; `bytes` is about what the first edit fetches
// On a phone it is fetched only after its button was pressed. Returns {ready(): engine, wanted(): whether it may be
// fetched, loaded}; `ready` waits for the button, and fails with a message in plain words; the promise `loaded` ends with
// the first success. A button that loads what had failed sends "lx-moved", without a control: others ask once more.
function lazyEngine(bar, { base, words, bytes }) {
  const phone = window.matchMedia("(pointer: coarse) and (max-width: 900px)").matches || navigator.connection?.saveData;
  const text = bar.querySelector("span"), button = bar.querySelector("button"), progress = bar.querySelector("progress");
  const size = (bytes / 1e6).toFixed(0);
  let started = null, tries = 0, agree, come, allowed = !phone;
  const agreed = new Promise((resolve) => (agree = resolve)), loaded = new Promise((resolve) => (come = resolve));
  button.addEventListener("click", () => {
    const failed = !started;
    allowed = true;
    agree();
    ready().then(() => failed && window.dispatchEvent(new CustomEvent("lx-moved")), () => {}); // the bar says why not
  });
  function offer() {
    bar.hidden = false;
    text.textContent = fillIn(words.offer, { size });
    button.textContent = fillIn(words.load, { size });
    button.hidden = false;
    progress.hidden = true;
  }
  async function open() {
    if (!allowed) {
      offer();
      await agreed;
    }
    bar.hidden = button.hidden = false;
    button.hidden = true;
    text.textContent = words.loading;
    progress.hidden = false;
    const again = tries++ ? `?${tries}` : ""; // browsers remember that a module could not be loaded
    const { openEngine } = await import(new URL(`${base}open_engine.js${again}`, document.baseURI).href).catch((problem) => {
      throw new Error(words.unreached, { cause: problem });
    });
    const engine = await openEngine({
      base: new URL(base, document.baseURI).href,
      onProgress: ({ loaded, total }) => {
        progress.max = total;
        progress.value = loaded;
      },
    });
    bar.hidden = true;
    come();
    return engine;
  }
  function ready() {
    started ??= open().catch((problem) => {
      started = null;
      allowed = false;
      offer();
      text.textContent = problem.message;
      throw problem;
    });
    return started;
  }
  return { ready, wanted: () => allowed, loaded };
}
