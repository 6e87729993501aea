// The server as a source of answers (following.js), through one gr.HTML component: Gradio gives `props`, `watch` and
// `trigger` to its code. Gradio itself sends every move to the server (tier 1, ui/live/listeners.py), so the answers to
// it arrive here unasked; once no control has moved for a while, "rest" asks for the remaining ones (tier 2), unless
// the answer to the last of `moves` was `settled`. Answers say in `version` which are newer. {state: "nothing"} is not
// an answer.
//   quiet, late, silence  milliseconds: without a move until the controls rest; the same while tier 1 has not answered;
//                         without an answer until it is asked again, since Gradio's client can lose answers if their
//                         stream closes just as it asks
const ATTEMPTS = 6;

function serverSource({ props, watch, trigger }, { quiet, late, silence }) {
  const arrived = [];
  let wake = null;
  watch("value", () => {
    const answer = JSON.parse(props.value);
    if (answer.state === "nothing" || !isCurrent(answer)) return; // about something else: subject.js
    arrived.push(answer);
    if (wake) wake();
  });

  // The next answer; undefined after `patience` milliseconds, or when the signal aborts.
  const next = (signal, patience) =>
    new Promise((resolve) => {
      const timer = Number.isFinite(patience) ? setTimeout(done, Math.max(0, patience)) : null;
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        wake = null;
        resolve(signal.aborted ? undefined : arrived.shift());
      }
      wake = done;
      signal.addEventListener("abort", done);
      if (arrived.length || signal.aborted) done();
    });

  return {
    known: () => null,
    // `moved` is undefined while the page opens: then Gradio asks for both tiers
    async *stream(moved, signal) {
      let attempts = moved === undefined ? 0 : ATTEMPTS, rested = false;
      const begin = performance.now();
      let due = attempts ? begin + late : Infinity;
      while (!signal.aborted) {
        const answer = await next(signal, due - performance.now());
        if (answer) {
          yield answer;
          if (!rested) {
            if (attempts && answer.moves === window.lxAddress?.moves)
              due = answer.settled ? Infinity : begin + quiet;
            continue;
          }
          const more = ["partial", "waiting"].includes(answer.state);
          due = more ? performance.now() + silence : Infinity;
          attempts = ATTEMPTS - 1;
        } else if (!signal.aborted) {
          rested = true;
          due = attempts-- > 0 ? performance.now() + silence : Infinity;
          if (due < Infinity) trigger("rest");
        }
      }
    },
  };
}

// Calls `follow` with the values of the controls at `places` of ui/address/address.js, each time one of them moves.
// Gradio fires a control's listeners once more when a deferred event is sent: the same values are no move.
function followMoves(places, follow) {
  let last;
  window.addEventListener("lx-moved", ({ detail }) => {
    if (!places.includes(detail)) return;
    const values = places.map((at) => window.lxAddress.values()[at]), now = JSON.stringify(values);
    if (now === last) return;
    last = now;
    follow(values);
  });
}
