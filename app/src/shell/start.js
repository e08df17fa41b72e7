// Brings the page to life. An extension or a translator may have changed what the server sent before that: then the page is
// loaded once more and rendered in the browser alone; if that fails too, it says so instead of standing there dead.
const ANEW = 'tally.render-anew';
let settled = false;
const flag = (set) => {
  try {
    if (set) sessionStorage.setItem(ANEW, set);
    return sessionStorage.getItem(ANEW);
  } catch {
    return undefined; // storage is forbidden
  }
};
const showStopped = () => {
  if (document.getElementById('page-stopped')) return;
  const box = document.createElement('div');
  box.id = 'page-stopped';
  box.className = 'notice notice-error';
  box.setAttribute('role', 'alert');
  const text = document.createElement('p');
  text.textContent =
    'This page stopped working. An extension or a translator of your browser may have changed it: switch it off for this site, then load the page again.';
  box.append(text);
  document.body.prepend(box);
};
const failed = () => {
  if (settled || flag() !== null) return showStopped();
  // Once for this tab: pages that are changed once are changed again.
  if (flag('yes') === 'yes') location.reload();
  else showStopped();
};
addEventListener('error', (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) failed();
});
addEventListener('unhandledrejection', (event) => {
  if (event.reason instanceof WebAssembly.RuntimeError) failed();
});
const page = await import(JS);
await page.default({ module_or_path: WASM });
try {
  if (flag() === 'yes') await page.render_anew();
  else page.hydrate();
  // What is brought to life later, once its data is there, belongs to the beginning too.
  setTimeout(() => (settled = true), 3_000);
} catch (error) {
  console.error(error);
  failed();
}
