// Sweeps gamma from 1 to 0, as a slow hand on the slider would. The controls go from tenth to tenth, whose numbers are
// usually known already; in between only the browser draws (bars, ring on the curve, knob), and nothing at all for
// visitors who want less motion. A second press pauses it; a press of anything else ends it at the tenth it has reached.
//   view             of charts/explore_view.js
//   bentAt(run)      factors of the schedule at run.gamma
//   go(place)        sets the controls
const SWEEP = 6000, LONGEST_FRAME = 100; // milliseconds
const PRESSED = 'button, a, input, [role="option"], [role="slider"]';

function gammaPlayer(view, words, bentAt, go) {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const field = (type) => document.querySelector(`#lx-gamma input[type="${type}"]`);
  let run = null, paused = null;

  // The knob is Gradio's: it is only painted here, its value follows with the next tenth.
  function knob(gamma) {
    for (const type of ["range", "number"]) if (field(type)) field(type).value = gamma.toFixed(2);
    field("range")?.style.setProperty("--range_progress", `${100 * gamma}%`);
  }

  function say() {
    const button = document.getElementById("lx-play");
    if (!button) return;
    button.textContent = run ? words.pause : words.play;
    button.setAttribute("aria-pressed", String(Boolean(run)));
  }

  function paint(gamma) {
    view.bend(bentAt({ ...run, gamma }));
    view.ride(run.onCurve ? gamma : null);
    knob(gamma);
  }

  function end() {
    if (!run) return;
    run = null;
    view.ride(null);
    window.lxAddress?.hold(false);
    say();
  }

  function pause() {
    paused = Math.round(100 * run.gamma) / 100;
    const { shape } = run;
    paint(paused);
    end();
    go({ shape, tie: true, gamma: paused });
  }

  function step(now) {
    if (!run) return;
    run.gamma = Math.max(0, run.gamma - Math.min(now - run.last, LONGEST_FRAME) / SWEEP);
    run.last = now;
    const tenth = Math.ceil(10 * run.gamma - 1e-9) / 10;
    if (tenth < run.sent) {
      [run.before, run.sent] = [run.sent, tenth];
      go({ shape: run.shape, tie: true, gamma: tenth });
    }
    if (!calm.matches) paint(run.gamma);
    if (run.gamma > 0) requestAnimationFrame(step);
    else pause();
  }

  // At once, not when the answer comes: a step in between would put the controls back.
  for (const type of ["pointerdown", "click"])
    document.addEventListener(type, ({ target }) => {
      if (!run || !target.closest?.(PRESSED) || target.closest("#lx-play")) return;
      paint(run.sent);
      end();
    }, true);
  document.addEventListener("input", end, true); // its knob is where the visitor put it
  window.addEventListener("popstate", end);

  return {
    end,
    press() {
      if (run) return pause();
      const { model, shape = "linear", outside = "alpha", mix = 1 } = view.answer?.evaluation.spec || {};
      const from = paused && Number(field("range")?.value) === paused ? paused : 1;
      const kept = shape === "free" ? "linear" : shape;
      run = { model, outside, mix, shape: kept, gamma: from, sent: from, before: from, last: performance.now() };
      run.onCurve = kept === "linear" && outside === "alpha" && mix === 1;
      window.lxAddress?.hold(true);
      go({ shape: kept, tie: true, gamma: from });
      say();
      requestAnimationFrame(step);
    },
    // Tells of a move; true if it is one of the sweep's own and its schedule is drawn already.
    moved(model, shape, outside, alpha, beta, mix) {
      if (!run) return false;
      const own = [run.sent, run.before].includes(alpha) && Math.abs(alpha + beta - 1) < 1e-6;
      if (own && model === run.model && shape === run.shape && outside === run.outside && mix === run.mix) return !calm.matches;
      end();
      if (Math.abs(alpha + beta - 1) < 1e-6) knob(alpha); // it may have been painted after Gradio set it
      return false;
    },
  };
}
