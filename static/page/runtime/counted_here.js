// For the Gradio page: what its server leaves to the visitors ("browser" in an answer) is counted by the engine in this
// browser. Served beside the static edition, whose data and engine it uses; `liveWords` stands before it.
{
  const base = new URL("./", document.currentScript.src).href;
  let made = null;
  async function make(fixed) {
    const reply = await fetch(new URL("data/site.json", base));
    if (!reply.ok) throw new Error(String(reply.status));
    const site = await reply.json();
    const bar = document.createElement("div");
    Object.assign(bar, { id: "lx-engine", role: "status", hidden: true });
    bar.append(...["span", "progress", "button"].map((name) => document.createElement(name)));
    document.body.append(bar);
    const factorsOf = factorsOfSpecs(fixed.affine), shipped = shippedAnswers({ ...site.shipped, base }, factorsOf);
    return browserSource(shipped, lazyEngine(bar, { ...site.engine, base: new URL(site.engine.base, base).href }), site.source, factorsOf);
  }
  // Made once; after a failure the next call tries again.
  const source = (fixed) => (made ??= make(fixed).catch((problem) => ((made = null), Promise.reject(problem))));
  let newest = -1; // version of the server's answers: one to an earlier move may come last, and nothing older is drawn
  window.lxSource = (fixed, server) => ({
    known: () => null,
    async *stream(given, signal) {
      for await (const answer of server.stream(given, signal)) {
        newest = Math.max(newest, answer.version);
        if (!answer.browser) {
          yield answer;
          continue;
        }
        const { schema, asked } = answer, version = newest, values = given || fixed.moves.map((at) => window.lxAddress.values()[at]);
        const here = await source(fixed).catch(({ message }) => fillIn(liveWords.missing, { reason: message }));
        if (typeof here === "string") {
          if (!signal.aborted) yield { schema, version, asked, state: "error", key: "", words: { sentence: here } };
          return;
        }
        const known = await here.known(values, version);
        if (known && !signal.aborted) yield known;
        yield* here.stream(values, signal, version);
        return;
      }
    },
  });
}
