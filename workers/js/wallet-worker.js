// The wallet's worker: the module that it shares with the miners', in a thread and a memory of its own.
import init, { wallet_worker } from './workers.js';

try {
  await init({ module_or_path: new URL('./workers.wasm', import.meta.url) });
  wallet_worker();
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
