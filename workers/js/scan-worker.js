// Looks for QR codes in pictures: the same module as the other workers, in a thread and a memory of its own.
import init, { scan_worker } from './workers.js';

try {
  await init({ module_or_path: new URL('./workers.wasm', import.meta.url) });
  scan_worker();
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
