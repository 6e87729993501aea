// Runs the page's listeners: functions of the values of components that give values or updates of others.
//   listeners  [{targets: [[id, event]], inputs: [id], outputs: [id], after, run}] in Gradio's order
function wireListeners(parts, listeners) {
  async function run(position) {
    const { inputs, outputs, run: script } = listeners[position];
    let given = await script(...inputs.map(parts.get));
    if (outputs.length === 1 && !(Array.isArray(given) && given.length === 1)) given = [given];
    outputs.forEach((id, i) => {
      const value = (given || [])[i];
      if (value && value.__type__ === "update") parts.update(id, value);
      else if (value !== undefined) parts.set(id, value);
    });
    listeners.forEach(({ after }, next) => after === position && run(next));
  }
  listeners.forEach(({ targets }, position) => {
    for (const [id, event] of targets) parts.on(id, event, () => run(position));
  });
}
