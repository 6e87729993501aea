// Keeps the page and its data, and the engine's files once they were loaded, for use without a connection.
// static/page/offline.py puts in place of SITE {version, files: {path: SHA-256}, document, first: [path]}: `document` is the path
// of the page, `first` are the paths that are kept from the start.
//
// No page ever gets files of another version: a page is served by the worker that served its document; what is fetched is
// kept and handed out only if it has the digest of this version; and it is kept under that digest, so that a newer worker
// finds what has not changed. A newer worker takes over once no page of the older one is left, or with its last one's reload.
const { version, files, document: page, first } = SITE;
let ending = false; // this worker has asked a newer one to take over
const scope = registration.scope, opened = caches.open(`lines ${scope}`);
const keyOf = (path) => `${new URL(path, scope)}?${files[path] ?? version}`;

async function digestOf(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Fetches a file, and keeps it if it is of this version. A host may add to the page itself, which names its version.
async function fetched(path) {
  const reply = await fetch(new URL(path === page ? "./" : path, scope), { cache: "no-cache" });
  if (!reply.ok) return reply;
  const same = path === page ? (await reply.clone().text()).includes(version) : (await digestOf(await reply.clone().arrayBuffer())) === files[path];
  if (!same) return new Response("", { status: 409, statusText: "Another version: reload the page" });
  const plain = reply.redirected ? new Response(await reply.blob(), { headers: reply.headers }) : reply; // no redirect may answer a navigation
  await (await opened).put(keyOf(path), plain.clone());
  return plain;
}

const kept = async (path) => (await (await opened).match(keyOf(path))) ?? null;

async function keepFirst() {
  for (const path of first) {
    if (!(await kept(path)) && !(await fetched(path)).ok) throw new Error(`${path} is not of version ${version}.`);
  }
}

async function forgetOthers() {
  const cache = await opened, here = new Set([...Object.keys(files), page].map(keyOf));
  for (const { url } of await cache.keys()) if (!here.has(url)) await cache.delete(url);
}

// Whether one page is left. A page that is being replaced is counted for some milliseconds more: several are counted again.
async function lastPage() {
  if ((await clients.matchAll()).length <= 1) return true;
  await new Promise((done) => setTimeout(done, 500));
  return (await clients.matchAll()).length <= 1;
}

// The page, unless a newer worker waits and this is the last page of the older one: then the newer one serves it. Until it
// does, its page and the empty one that asks again may both be counted, so what was decided once stays decided.
async function openPage() {
  if (registration.waiting && (ending ||= await lastPage())) {
    registration.waiting.postMessage({ takeOver: true });
    return new Response("", { headers: { Refresh: "0" } });
  }
  return (await kept(page)) ?? fetched(page);
}

// A page that no worker serves is served by this one from now on, if it is of this version and no other page is open.
async function adopt(said) {
  const open = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (said === version && open.length === 1) await clients.claim();
}

addEventListener("install", (event) => event.waitUntil(keepFirst()));
addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
addEventListener("message", (event) => event.waitUntil(event.data.takeOver ? skipWaiting() : adopt(event.data.version)));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request, { origin, pathname } = new URL(url);
  if (method !== "GET" || !(origin + pathname).startsWith(scope)) return;
  const path = decodeURIComponent((origin + pathname).slice(scope.length));
  if (mode === "navigate") return void (["", page].includes(path) && event.respondWith(openPage()));
  if (path in files) event.respondWith(kept(path).then((reply) => reply ?? fetched(path)));
});
