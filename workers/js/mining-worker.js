// A mining worker: the module that it shares with the wallet's, in a thread of its own.
import init, { mining_worker } from './workers.js';

try {
  await init({ module_or_path: new URL('./workers.wasm', import.meta.url) });
  mining_worker();
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
