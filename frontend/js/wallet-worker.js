// The wallet's worker: the same module as the page's, in a thread and a memory of its own.
import init, { wallet_worker } from './tally.js';

await init({ module_or_path: new URL('./tally.wasm', import.meta.url) });
wallet_worker();
