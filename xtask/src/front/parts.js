// What is below is the library's, but for these names: `file` and `chunk` in the place of its requests, `instantiate`, `makePart`.
// A small chunk that several parts need comes within the module of each of them, as a custom section: a page is one request, not
// dozens of half a kilobyte. It is instantiated once, from the part that needs it first.
let wanted;
// The browser ends the requests of a page that is left. That is no failure, unless the reader comes back to it.
let left = false;
addEventListener("pagehide", () => { left = true; });
addEventListener("pageshow", () => { left = false; });
function failed(error) {
    if (!left) throw error;
    return new Promise((_, reject) => addEventListener("pageshow", () => reject(error), { once: true }));
}
const compiled = new Map();
function file(name) {
    let module = compiled.get(name);
    if (module === undefined) {
        module = WebAssembly.compileStreaming(fetch(new URL(`./${name}.wasm`, import.meta.url)));
        compiled.set(name, module);
        // A request that failed is made again the next time.
        module.catch(() => compiled.delete(name));
    }
    return module;
}
function chunk(name) {
    return file(`split_${wanted}`).then((part) => WebAssembly.compile(WebAssembly.Module.customSections(part, name)[0]));
}
async function instantiate(module, imports) {
    return WebAssembly.instantiate(await module, imports);
}
function makePart(part, fetcher, deps) {
    const load = makeLoad(fetcher, deps);
    // All that a part needs is requested before this returns.
    return () => {
        wanted = part;
        return load().catch(failed);
    };
}
