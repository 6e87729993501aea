// Draws the answers to the newest spec. `source` is anything with two functions, a server or an engine in the browser:
//   known(spec)           what is there at once, or null (may be a promise)
//   stream(spec, signal)  yields answers until all images are counted; ends when the signal aborts
// Returns the function to call with every spec that the visitor moves to.
function follower(source, draw) {
  let newest = new AbortController();
  function attempt(answer) {
    try {
      draw(answer);
    } catch (problem) {
      reportError(problem); // the next answer may be better
    }
  }
  return async function follow(spec) {
    newest.abort();
    const { signal } = (newest = new AbortController());
    const known = await source.known(spec);
    if (known && !signal.aborted) attempt(known);
    for await (const answer of source.stream(spec, signal)) attempt(answer);
  };
}
