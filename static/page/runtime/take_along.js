// Takes the page along: its files, as data/files.json lists them (static/page/download.py), become an archive in the browser.
//   root      element with a button, which starts it and stops it again, and a span that says how far it is
//   settings  {list, archive, folder, words}
//   version   of the page and its files
function takeAlong(root, { list, archive, folder, words }, version) {
  const button = root.querySelector("button"), said = root.querySelector("span");
  let running = null;

  async function get(path, signal) {
    const failed = (reason) => new Error(fillIn(words.failed, { path, reason }));
    const reply = await fetch(path, { signal }).catch((problem) => Promise.reject(signal.aborted ? problem : failed(problem.message)));
    if (!reply.ok) throw failed(reply.status);
    return new Uint8Array(await reply.arrayBuffer().catch((problem) => Promise.reject(signal.aborted ? problem : failed(problem.message))));
  }
  // Over plain HTTP a browser computes no digests.
  const digestOf = async (bytes) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  async function collect(signal) {
    const zip = zipArchive(), files = Object.entries(JSON.parse(new TextDecoder().decode(await get(list, signal))));
    const total = files.reduce((sum, [, [size]]) => sum + size, 0);
    let done = 0;
    for (const [path, [size, sha256]] of files) {
      const bytes = await get(path, signal);
      const named = ["index.html", "service-worker.js"].includes(path);
      const same = sha256 ? !crypto.subtle || (await digestOf(bytes)) === sha256 : !named || new TextDecoder().decode(bytes).includes(version);
      if (!same) throw new Error(fillIn(words.changed, { path }));
      zip.add(`${folder}/${path}`, bytes);
      done += size;
      said.textContent = fillIn(words.part, { percent: Math.round((100 * done) / total) });
    }
    return zip.finish();
  }

  function save(blob) {
    const address = URL.createObjectURL(blob);
    Object.assign(document.createElement("a"), { href: address, download: archive }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000); // the browser reads it first
  }

  button.addEventListener("click", async () => {
    if (running) return void running.abort();
    const { signal } = (running = new AbortController());
    const name = button.textContent;
    button.textContent = words.stop;
    said.textContent = fillIn(words.part, { percent: 0 });
    try {
      save(await collect(signal));
      said.textContent = fillIn(words.done, { archive });
    } catch (problem) {
      said.textContent = signal.aborted ? words.stopped : problem.message;
    }
    running = null;
    button.textContent = name;
  });
}
