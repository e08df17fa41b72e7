// The light client: a small module of its own, in a thread and a memory of its own.
import init, { light_worker } from './light.js';

try {
  await init({ module_or_path: new URL('./light.wasm', import.meta.url) });
  light_worker();
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
