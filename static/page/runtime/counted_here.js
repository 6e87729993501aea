// For the Gradio page: what its server leaves to the visitors ("browser" in an answer) is counted by the engine in this
// browser. Served beside the static edition, whose data and engine it uses.
{
  const base = new URL("./", document.currentScript.src).href;
  let made = null;
  async function make(fixed) {
    const site = await (await fetch(new URL("data/site.json", base))).json();
    const bar = document.createElement("div");
    Object.assign(bar, { id: "lx-engine", role: "status", hidden: true });
    bar.append(...["span", "progress", "button"].map((name) => document.createElement(name)));
    document.body.append(bar);
    const factorsOf = factorsOfSpecs(fixed.affine), shipped = shippedAnswers({ ...site.shipped, base }, factorsOf);
    return browserSource(shipped, lazyEngine(bar, { ...site.engine, base: new URL(site.engine.base, base).href }), site.source, factorsOf);
  }
  window.lxSource = (fixed, server) => ({
    known: () => null,
    async *stream(given, signal) {
      for await (const answer of server.stream(given, signal)) {
        if (!answer.browser) {
          yield answer;
          continue;
        }
        const source = await (made ??= make(fixed)), values = given || fixed.moves.map((at) => window.lxAddress.values()[at]);
        const known = await source.known(values, answer.version);
        if (known && !signal.aborted) yield known;
        yield* source.stream(values, signal, answer.version);
        return;
      }
    },
  });
}
