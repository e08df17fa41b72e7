// A node that answers falsely: it stands before an honest one, passes on what that answers, and changes some of it.
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The JSON answer that is passed on in place of the real one; undefined leaves that as it is. */
export type Change = (answer: any, path: string) => any | undefined;

/** The bytes that are passed on in place of the real ones, with this path and query; undefined leaves them as they are. */
export type BytesChange = (bytes: Buffer, path: string) => Buffer | undefined | Promise<Buffer | undefined>;

export class FalseNode {
  /** Changes by the beginning of a path below the origin; the first that fits counts. */
  readonly changes: [string, Change][] = [];
  /** The same for answers of bytes. */
  readonly bytes: [string, BytesChange][] = [];
  /** Scripts that are passed on in place of the real ones, by the end of their path. */
  readonly scripts: [string, string][] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Starts one before the node at this URL. */
  static async before(url: string): Promise<FalseNode> {
    const honest = new URL(url);
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const node = new FalseNode(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (incoming, answer) => {
      const headers: IncomingHttpHeaders = { ...incoming.headers, host: honest.host, 'accept-encoding': 'identity' };
      if (headers.origin) headers.origin = honest.origin;
      const passed = request({ host: honest.hostname, port: honest.port, method: incoming.method, path: incoming.url, headers }, (real) => {
        const fits = ([path]: [string, unknown]) => incoming.url?.startsWith(path);
        const change = node.changes.find(fits)?.[1];
        const bytesChange = node.bytes.find(fits)?.[1];
        const script = node.scripts.find(([end]) => incoming.url?.endsWith(end))?.[1];
        if (script !== undefined) {
          const { 'content-length': _, etag: __, 'content-encoding': ___, ...kept } = real.headers;
          real.resume();
          answer.writeHead(200, { ...kept, 'cache-control': 'no-store' });
          answer.end(script);
          return;
        }
        if (!change && !bytesChange) {
          answer.writeHead(real.statusCode ?? 502, real.headers);
          real.pipe(answer);
          return;
        }
        const parts: Buffer[] = [];
        real.on('data', (part: Buffer) => parts.push(part));
        real.on('end', async () => {
          const bytes = Buffer.concat(parts);
          const { 'content-length': _, etag: __, 'content-encoding': ___, ...kept } = real.headers;
          if (bytesChange) {
            const sent = await bytesChange(bytes, incoming.url ?? '');
            // What was made up is kept by no cache.
            answer.writeHead(sent ? 200 : (real.statusCode ?? 502), { ...kept, 'content-type': 'application/octet-stream', 'cache-control': 'no-store' });
            answer.end(sent ?? bytes);
            return;
          }
          let changed: any;
          try {
            changed = change?.(JSON.parse(bytes.toString()), incoming.url ?? '');
          } catch {
            // no JSON: a page that the server rendered
          }
          answer.writeHead(real.statusCode ?? 502, kept);
          answer.end(changed === undefined ? bytes : JSON.stringify(changed));
        });
      });
      passed.on('error', () => answer.destroy());
      answer.on('close', () => passed.destroy());
      incoming.pipe(passed);
    });
    return node;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
