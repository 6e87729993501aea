// Nodes of HTML and of SVG, with attributes and children, and text that is written only when it changes.
function html(name, attributes = {}, ...inside) {
  return filled(document.createElement(name), attributes, inside);
}

function svg(name, attributes = {}, ...inside) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, inside);
}

function filled(node, attributes, inside) {
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.append(...inside);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
