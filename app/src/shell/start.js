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
const STOPPED =
  'This page stopped working. An extension or a translator of your browser may have changed it: switch it off for this site, then load the page again.';
const show = (words) => {
  if (document.getElementById('page-stopped')) return;
  const box = document.createElement('div');
  box.id = 'page-stopped';
  box.className = 'notice notice-error';
  box.setAttribute('role', 'alert');
  const text = document.createElement('p');
  text.textContent = words;
  box.append(text);
  document.body.prepend(box);
};
const failed = () => {
  if (settled || flag() !== null) return show(STOPPED);
  // Once for this tab: pages that are changed once are changed again.
  if (flag('yes') === 'yes') location.reload();
  else show(STOPPED);
};
addEventListener('error', (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) failed();
});
addEventListener('unhandledrejection', (event) => {
  if (event.reason instanceof WebAssembly.RuntimeError) failed();
});
// A file of this page did not come. The server may have been upgraded since it sent the page, and then a new one names other files:
// it is loaded once a minute at most, and only from a server that answers. What stands here can be read, and its links lead on.
const MISSED = 'tally.missed';
const missed = async () => {
  try {
    const [now, before] = [Date.now(), Number(sessionStorage.getItem(MISSED))];
    sessionStorage.setItem(MISSED, now);
    if (now - before > 60_000) {
      await fetch(location.href, { method: 'HEAD' });
      return location.reload();
    }
  } catch {
    // storage is forbidden, or the server does not answer
  }
  show('This page can be read, but not used: a part of it did not come from the node. Load it again.');
};
let page;
try {
  page = await import(JS);
  await page.default({ module_or_path: WASM });
  await page.load();
} catch (error) {
  console.error(error);
  page = undefined;
  await missed();
}
try {
  if (page && flag() === 'yes') await page.render_anew();
  else page?.hydrate();
  // What is brought to life later, once its data is there, belongs to the beginning too.
  setTimeout(() => (settled = true), 3_000);
} catch (error) {
  console.error(error);
  failed();
}
