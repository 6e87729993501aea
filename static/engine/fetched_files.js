// The files of the engine's folder, each checked against the manifest, with the bytes loaded so far as progress.
import { EngineError } from "./engine_error.js";
import { sha256 } from "./sha256.js";

export const VERSION = 1; // of the manifest

// base: address of the folder; report({loaded, total}): bytes of all files asked for so far
export async function openFiles(base, report) {
  const manifest = await (await answer(new URL("engine.json", base), { cache: "no-cache" })).json().catch((problem) => {
    throw new EngineError("damaged", "engine.json is not a manifest of the engine.", { cause: problem });
  });
  if (manifest.version !== VERSION) {
    const said = `engine.json has version ${manifest.version}, this page reads ${VERSION}: reload the page.`;
    throw new EngineError("damaged", said);
  }
  let loaded = 0, total = 0;

  // Content of a file.
  async function read(name) {
    const listed = manifest.files[name];
    if (!listed) throw new EngineError("damaged", `The manifest does not list ${name}.`);
    total += listed.size;
    const reader = (await answer(new URL(name, base))).body.getReader();
    const bytes = new Uint8Array(listed.size);
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read().catch((problem) => fail(name, problem));
      if (done) break;
      if (length + value.length > bytes.length) throw changed(name);
      bytes.set(value, length);
      length += value.length;
      loaded += value.length;
      report({ loaded, total });
    }
    if (length !== bytes.length || (await sha256(bytes)) !== listed.sha256) throw changed(name);
    return bytes;
  }

  // Content of a compressed file. Its name ends in .pack, because some servers would unpack a .gz on the way.
  async function unpack(name) {
    const stream = new Blob([await read(name)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  return { manifest, read, unpack, address: (name) => new URL(name, base).href };
}

async function answer(address, options) {
  const response = await fetch(address, options).catch((problem) => fail(address.pathname, problem));
  if (!response.ok) fail(address.pathname, `status ${response.status}`);
  return response;
}

function fail(name, problem) {
  const reason = problem?.message ?? problem;
  const said = `${name} could not be loaded (${reason}): check the connection and try again.`;
  throw new EngineError("network", said, { cause: problem });
}

function changed(name) {
  return new EngineError("damaged", `${name} arrived damaged, or is of another version: reload the page.`);
}
