// The audit of this tab: a module of its own, loaded when a reader begins one. It starts the workers that check signatures itself.
import init, { audit_worker } from './audit.js';

try {
  await init({ module_or_path: new URL('./audit.wasm', import.meta.url) });
  audit_worker(new URL('./audit-helper.js', import.meta.url).href);
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
