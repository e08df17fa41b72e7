// A mining worker: the same module as the page's, in a thread of its own.
import init, { mining_worker } from './tally.js';

await init({ module_or_path: new URL('./tally.wasm', import.meta.url) });
mining_worker();
