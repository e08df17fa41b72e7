// A real `tally node` on a free port, with a data directory of its own on a chain of one-second blocks.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Pacer } from './pacer';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const target = process.env.CARGO_TARGET_DIR ?? join(cache, 'tally', 'target');

/** The binary under test: $TALLY_BIN, or the release build. */
export const binary = process.env.TALLY_BIN ?? join(target, 'release', 'tally');

/** A chain that real miners find a block of each second, with the allocations of `local`. */
export const fastChain = resolve(__dirname, '..', 'fast.toml');

/** The same with blocks that cost nothing: its nodes get them from a `Pacer`. */
export const pacedChain = resolve(__dirname, '..', 'paced.toml');

/** Where blocks come from: nowhere, from outside one each second, or from the node's own miner, which takes a core. */
export type Mining = boolean | 'native';

/** What a worker that ends in the middle of a test would leave behind. */
const living = new Set<ChildProcess>();
process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));

export interface NodeOptions {
  /** Continue in this data directory; it is kept at the end. Without it: a new one, removed at the end. */
  dataDir?: string;
  /** Name or file of the chain; `paced.toml` without it. */
  chain?: string;
  /** Where its blocks come from; true without it. `native` is for `fast.toml`. */
  mine?: Mining;
  /** Listen here; a free port without it. */
  port?: number;
  /** Serve below this path, `/ledger`; its `url` then ends with it. At the root without it. */
  base?: string;
  /** More arguments for `tally node`. */
  args?: string[];
  /** How long the node may take to be ready, in milliseconds. */
  readyWithin?: number;
}

export class TallyNode {
  private output = '';
  private exited: Promise<number | null>;
  private exitCode: number | null | undefined;
  private readonly pacer: Pacer;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly dataDir: string,
    private readonly ownsDataDir: boolean,
  ) {
    this.pacer = new Pacer(url);
    child.stdout?.on('data', (chunk) => (this.output += chunk));
    child.stderr?.on('data', (chunk) => (this.output += chunk));
    living.add(child);
    this.exited = new Promise((done) => {
      child.once('exit', (code) => {
        living.delete(child);
        done((this.exitCode = code));
      });
      child.once('error', (error) => {
        this.output += `\n${error}`;
        done((this.exitCode = null));
      });
    });
  }

  /** Starts a node and waits until it is ready to serve. */
  static async start(options: NodeOptions = {}): Promise<TallyNode> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`cargo xtask build\` first`);
    const port = options.port ?? (await freePort());
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tally-e2e-'));
    const args = ['node', '--chain', options.chain ?? pacedChain, '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`];
    const mine = options.mine ?? true;
    args.push(...(mine === 'native' ? ['--mine', 'true', '--mine-threads', '1'] : ['--mine', 'false']));
    if (options.base) args.push('--base-path', options.base);
    args.push(...(options.args ?? []));
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const node = new TallyNode(child, `http://127.0.0.1:${port}${options.base ?? ''}`, dataDir, options.dataDir === undefined);
    try {
      await node.ready(options.readyWithin ?? 30_000);
      if (mine === true) await node.pacer.start();
    } catch (error) {
      await node.kill();
      throw error;
    }
    return node;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Everything the node has printed so far, and why it got no block from outside. */
  get log(): string {
    return [this.output, ...this.pacer.failures].join('\n');
  }

  /** The operator's token. The banner names only its file: it is printed on terminals alone. */
  private get operatorToken(): string {
    return readFileSync(join(this.dataDir, 'operator-token'), 'utf8').trim();
  }

  /** The operator's link, its token in the fragment. */
  get operatorLink(): string {
    return `${this.url}/#operator=${this.operatorToken}`;
  }

  /** GET of a JSON answer below /api/v1. */
  async api<T = any>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1/${path}`);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Sends a request that only the operator may, with the operator's token; the JSON of its answer, where it has one. */
  async operate(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.operatorToken}` },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Where its blocks come from now on. After `mine(false)` none comes. */
  async mine(how: Mining): Promise<void> {
    await this.pacer.stop();
    await this.operate('POST', 'mining', { on: how === 'native', threads: 1 });
    if (how === true) this.pacer.goOn();
  }

  /** So many blocks at once, for a node that gets none otherwise. */
  async makeBlocks(count: number): Promise<void> {
    await this.pacer.make(count);
  }

  /** Ends the node as a service manager would, and waits until it is gone. Its exit code. */
  async stop(): Promise<number | null> {
    await this.pacer.stop();
    if (this.exitCode === undefined) this.child.kill('SIGTERM');
    return this.gone();
  }

  /** Ends the node without giving it a chance to do anything more. */
  async kill(): Promise<void> {
    const paced = this.pacer.stop();
    if (this.exitCode === undefined) this.child.kill('SIGKILL');
    await paced;
    await this.gone();
  }

  private async gone(): Promise<number | null> {
    const code = await this.exited;
    if (this.ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }

  private async ready(within: number): Promise<void> {
    const deadline = Date.now() + within;
    for (;;) {
      if (this.exitCode !== undefined) throw new Error(`the node ended with ${this.exitCode}:\n${this.output}`);
      try {
        if ((await fetch(`${this.url}/readyz`)).ok) return;
      } catch {
        // not listening yet
      }
      if (Date.now() > deadline) throw new Error(`the node was not ready within ${within} ms:\n${this.output}`);
      await Promise.race([new Promise((next) => setTimeout(next, 50)), this.exited]);
    }
  }
}

/** Ports of this worker: other workers of Playwright have others, and the system hands out those above 32,768. */
const PORTS_EACH = 500;
const firstPort = 20_000 + (Number(process.env.TEST_PARALLEL_INDEX ?? 0) % 20) * PORTS_EACH;
let portsTaken = Math.floor(Math.random() * PORTS_EACH);

/** A TCP port on 127.0.0.1 that nothing listens on, and that no program is given that leaves the choice to the system. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = firstPort + (portsTaken++ % PORTS_EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${firstPort} to ${firstPort + PORTS_EACH - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((found) => {
    const server = createServer();
    server.once('error', () => found(false));
    server.listen(port, '127.0.0.1', () => server.close(() => found(true)));
  });
}
