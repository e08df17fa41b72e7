// A real nginx before a node, with the settings that docs/operators.md gives.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

import { freePort } from './node';

const OPERATORS = resolve(__dirname, '..', '..', 'docs', 'operators.md');
/** Where that text says the node listens. */
const NODE = 'http://127.0.0.1:8080';

/** The program; undefined where there is none. Distributions put it where only root looks. */
export function findNginx(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find((program) => existsSync(program));
}

/** The block for nginx of docs/operators.md that begins with this line, for the node at this origin. */
export function documented(begin: string, node: string): string {
  const blocks = [...readFileSync(OPERATORS, 'utf8').matchAll(/^```nginx\n([\s\S]*?)^```$/gm)].map((found) => found[1] ?? '');
  const block = blocks.find((text) => text.startsWith(begin));
  if (!block?.includes(NODE)) throw new Error(`docs/operators.md has no block for nginx with ${begin} and ${NODE}`);
  return block.replace(NODE, node);
}

export class Nginx {
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

  /** Starts it on a free port with these locations of its only server, and waits until it listens. */
  static async start(program: string, locations: string): Promise<Nginx> {
    const [folder, port] = [mkdtempSync(join(tmpdir(), 'tally-nginx-')), await freePort()];
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
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
      locations,
      '} }',
    ];
    writeFileSync(join(folder, 'nginx.conf'), `${settings.join('\n')}\n`);
    const args = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const nginx = new Nginx(child, folder, `http://127.0.0.1:${port}`);
    try {
      await nginx.listens();
    } catch (error) {
      await nginx.stop();
      throw error;
    }
    return nginx;
  }

  private async listens(): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      if (this.ended) throw new Error(`nginx ended:\n${this.output}`);
      const answered = await fetch(this.origin).then(
        () => true,
        () => false,
      );
      if (answered) return;
      if (Date.now() > deadline) throw new Error(`nginx does not listen:\n${this.output}`);
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
