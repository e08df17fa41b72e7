// Checks signatures for the audit of this tab, in a thread and a memory of its own.
import init, { audit_helper } from './audit.js';

try {
  await init({ module_or_path: new URL('./audit.wasm', import.meta.url) });
  audit_helper();
} catch (error) {
  // Thrown from here it would only be a rejected promise; thrown later it reaches the page as an error event.
  setTimeout(() => {
    throw error;
  });
}
