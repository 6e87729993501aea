// Errors of the engine: `code` says what kind, the message is a sentence for the visitor.
//   unsupported  the browser lacks something           memory   there is not enough of it
//   network      a file could not be fetched           damaged  a file is not what the manifest says
//   images       the browser alters pictures           worker   the background process ended
//   request      something asked for does not exist    fault    anything else
export class EngineError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = "EngineError";
    this.code = code;
  }
}

const OUT_OF_MEMORY = /out of memory|allocation failed|bad_alloc|could not allocate|cannot enlarge/i;
const NO_WASM = /WebAssembly (SIMD )?is not (supported|defined)|no available backend/i;

// Any problem as an EngineError.
export function asEngineError(problem) {
  if (problem instanceof EngineError) return problem;
  const text = String(problem?.message ?? problem);
  if (OUT_OF_MEMORY.test(text)) {
    return new EngineError("memory", "There is not enough memory for the model: close other tabs.", { cause: problem });
  }
  if (NO_WASM.test(text)) return missing("WebAssembly", problem);
  return new EngineError("fault", `The engine failed: ${text}`, { cause: problem });
}

// Throws unless the scope, a page or a worker, has these.
export function checkSupport(scope, names) {
  for (const name of names) if (typeof scope[name] === "undefined") throw missing(name);
}

function missing(name, cause) {
  return new EngineError("unsupported", `This browser has no ${name}, which the model needs to run here.`, { cause });
}
