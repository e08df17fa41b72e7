// Blocks for a node that does not mine itself, one a second, through the interface for external miners. The native miner always
// takes a whole core, whatever the difficulty: beside browsers on two cores it made every test slower, and its own blocks late.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { getBytes } from 'ethers';

/** Milliseconds from one block to the next. */
const SPACING = 1_000;
/** Blocks that are made at once at the start, so that pages have something to show. */
const FIRST = 30;
/** Nonces between two looks at what else there is to do. */
const BATCH = 512;
/** Receives the rewards: the first PUBLIC account, as with the native miner. */
const PRODUCER = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

interface Template {
  template: number;
  header_hex: string;
  manifest_hex: string;
  extra_nonce_offset: number;
  extra_nonce_bytes: number;
  target: string;
  time: number;
}

const sha256d = (bytes: Uint8Array) => createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();

export class Pacer {
  /** What went wrong so far, one line each; a node that ends leaves some. */
  readonly failures: string[] = [];
  private paused = new AbortController();
  private running = Promise.resolve();

  /** For the node at this URL, its base path included. */
  constructor(private readonly url: string) {}

  /** Makes the first blocks, then one each second until `stop`. */
  async start(): Promise<void> {
    await this.make(FIRST);
    this.goOn();
  }

  /** Makes so many blocks at once. */
  async make(count: number): Promise<void> {
    for (let made = 0; made < count; made++) await this.seal();
  }

  /** One block now, and one each second from then on. */
  goOn(): void {
    if (!this.paused.signal.aborted) this.paused.abort();
    const before = this.running;
    const { signal } = (this.paused = new AbortController());
    this.running = before.then(() => this.run(signal));
  }

  /** After this no block comes. */
  async stop(): Promise<void> {
    this.paused.abort();
    await this.running;
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      await this.seal().catch((error) => this.failures.push(`no block: ${error}`));
      await sleep(Math.max(0, began + SPACING - performance.now()), undefined, { signal }).catch(() => {});
    }
  }

  /** Seals the node's newest template. Rules: docs/protocol.md#M2, #H3 */
  private async seal(): Promise<void> {
    const made: Template = await this.request(`mining/template?address=${PRODUCER}`);
    const header = Buffer.from(getBytes(made.header_hex));
    const target = Buffer.from(made.target, 'hex');
    for (let extra = 0n; ; extra++) {
      const manifest = Buffer.from(getBytes(made.manifest_hex));
      const place = Buffer.alloc(made.extra_nonce_bytes);
      place.writeBigUInt64BE(extra);
      place.copy(manifest, made.extra_nonce_offset);
      sha256d(manifest).copy(header, 36);
      const nonce = await search(header, target);
      if (nonce === undefined) continue;
      await this.request('mining/submit', { template: made.template, extra_nonce: `0x${place.toString('hex')}`, time: made.time, nonce });
      return;
    }
  }

  private async request(path: string, body?: object): Promise<any> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

/** The first nonce by which the header's id is at most the target; undefined if there is none. */
async function search(header: Buffer, target: Buffer): Promise<number | undefined> {
  for (let nonce = 0; nonce < 2 ** 32; nonce++) {
    header.writeUInt32LE(nonce, 76);
    // Most significant byte first, as the target is.
    if (sha256d(header).reverse().compare(target) <= 0) return nonce;
    if (nonce % BATCH === BATCH - 1) await new Promise<void>((next) => setImmediate(next));
  }
  return undefined;
}
