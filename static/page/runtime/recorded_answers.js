// Panels whose answers ship with the page, one file for each setting that a visitor may choose.
//   recorded  see main.js
//   words     {missing, again}
function recordedAnswers(recorded, parts, components, { missing, again }) {
  for (const { targets, inputs, outputs, answers } of recorded) {
    let notice = null;
    const key = () => JSON.stringify(inputs.map(parts.get));

    // Says in front of the panel why it has no answer, with a button that tries again.
    function tell(problem) {
      notice?.remove();
      notice = null;
      if (!problem) return;
      notice = Object.assign(document.createElement("p"), { className: "lx-notice", textContent: `${problem.message} ` });
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sm", textContent: again });
      button.addEventListener("click", show);
      notice.setAttribute("role", "alert");
      notice.append(button);
      parts.node(outputs.find(components.props)).before(notice);
    }
    async function show() {
      const asked = key(), address = answers[asked];
      if (!address) return;
      const [values, problem] = await shippedFile(address, missing, (reply) => reply.json()).then((said) => [said], (why) => [null, why]);
      if (key() !== asked) return;
      tell(problem);
      values?.forEach((value, i) => value !== null && components.set(outputs[i], value));
    }
    for (const [id, event] of targets) parts.on(id, event, show);
  }
}
