// HTML components with scripts of their own, which get what Gradio would give them: their element, their properties,
// and two functions.
//   watch(name, listener)  calls back after the property was set from outside
//   trigger(event)         an event of the component, for the page's listeners
function makeHtmlComponents(parts) {
  const mounted = new Map();
  return {
    mount(id, given, script) {
      const element = parts.node(id), watched = new Map();
      if (!element) return;
      const props = { ...given };
      mounted.set(id, { props, watched });
      const watch = (names, listener) => {
        for (const name of [names].flat()) watched.set(name, [...(watched.get(name) || []), listener]);
      };
      script(element, props, watch, (event) => parts.fire(id, event));
    },
    props: (id) => mounted.get(id)?.props,
    // A new value from outside; text for a component without a script.
    set(id, value) {
      const one = mounted.get(id);
      if (!one) return void (parts.node(id).innerHTML = value);
      one.props.value = value;
      for (const listener of one.watched.get("value") || []) listener();
    },
  };
}
