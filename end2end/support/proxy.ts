// Real proxies before a node, with the settings that docs/operators.md gives.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

import { freePort } from './node';

const OPERATORS = resolve(__dirname, '..', '..', 'docs', 'operators.md');
/** Where the node listens by that text. */
const NODE = '127.0.0.1:8080';

/** Requests to the proxy for other things than the node. */
export const ELSE = 'something else';

/** A program, and how it is started with a block of the documents. */
export interface Kind {
  name: 'nginx' | 'caddy';
  /** First lines of its blocks in docs/operators.md. */
  blocks: { root: string; base: string };
  /** Its settings in a folder of its own, for a block and a port; the program's arguments. */
  settle(folder: string, port: number, block: string): string[];
}

const nginx: Kind = {
  name: 'nginx',
  blocks: { root: 'location / {', base: 'location /ledger/ {' },
  settle(folder, port, block) {
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const rest = block.startsWith('location / ') ? '' : `location / { return 404 "${ELSE}"; }`;
    const settings = [
      // One process in the foreground, as this user: it ends with the test.
      'daemon off;',
      'master_process off;',
      `pid ${join(folder, 'pid')};`,
      'error_log stderr warn;',
      'events { worker_connections 256; }',
      'http {',
      'access_log off;',
      ...kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`),
      `server { listen 127.0.0.1:${port};`,
      block,
      rest,
      '} }',
    ];
    writeFileSync(join(folder, 'nginx.conf'), `${settings.join('\n')}\n`);
    return ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  },
};

const caddy: Kind = {
  name: 'caddy',
  blocks: { root: 'ledger.example.org {', base: 'example.org {' },
  settle(folder, port, block) {
    // The site of the text on this machine, without a certificate; what is not the node's belongs to another service.
    const [name, ...lines] = block.trimEnd().split('\n');
    const site = name === this.blocks.base ? '127.0.0.1' : name?.split(' ')[0];
    const rest = name === this.blocks.base ? [`    handle {\n        respond "${ELSE}" 404\n    }`] : [];
    const settings = [
      '{\n    admin off\n    auto_https off\n}',
      `http://${site}:${port} {`,
      '    bind 127.0.0.1',
      ...lines.slice(0, -1),
      ...rest,
      '}',
    ];
    writeFileSync(join(folder, 'Caddyfile'), `${settings.join('\n')}\n`);
    return ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
  },
};

export const KINDS: Kind[] = [nginx, caddy];

/** The program; undefined where there is none. Distributions put some where only root looks. */
export function find(kind: Kind): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, kind.name)).find((program) => existsSync(program));
}

/** The block of docs/operators.md that begins with this line, for the node at this origin. */
function documented(kind: Kind, begin: string, node: string): string {
  const blocks = [...readFileSync(OPERATORS, 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const block = blocks.find(([, language, text]) => language === kind.name && text?.startsWith(`${begin}\n`))?.[2];
  if (!block?.includes(NODE)) throw new Error(`docs/operators.md has no block for ${kind.name} with ${begin} and ${NODE}`);
  return block.replace(NODE, new URL(node).host);
}

export class Proxy {
  private output = '';
  private ended = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly origin: string,
  ) {
    child.stderr?.on('data', (chunk) => (this.output += chunk));
    child.once('exit', () => (this.ended = true));
    child.once('error', (error) => {
      this.output += error;
      this.ended = true;
    });
  }

  /** Starts it on a free port with the block of the documents for this place, before the node at this URL. */
  static async start(kind: Kind, program: string, place: 'root' | 'base', node: string): Promise<Proxy> {
    const [folder, port] = [mkdtempSync(join(tmpdir(), `tally-${kind.name}-`)), await freePort()];
    const args = kind.settle(folder, port, documented(kind, kind.blocks[place], node));
    // What Caddy keeps goes into its folder.
    const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    const proxy = new Proxy(child, folder, `http://127.0.0.1:${port}`);
    try {
      await proxy.listens(kind.name);
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  private async listens(name: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      if (this.ended) throw new Error(`${name} ended:\n${this.output}`);
      const answered = await fetch(this.origin).then(
        () => true,
        () => false,
      );
      if (answered) return;
      if (Date.now() > deadline) throw new Error(`${name} does not listen:\n${this.output}`);
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  async stop(): Promise<void> {
    if (!this.ended) {
      const gone = new Promise((done) => this.child.once('exit', done));
      this.child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
