// A link between browser and node with a rate and a latency: of all connections together, as of one line, workers' included.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Bits a second in each direction, and milliseconds of each way. */
export interface Link {
  rate: number;
  latency: number;
}

export class SlowLink {
  /** Bytes that came from the node, with what HTTP adds. */
  received = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Begins before a node; without a link it only counts. */
  static async before(node: string, link?: Link): Promise<SlowLink> {
    const target = new URL(node);
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const own = new SlowLink(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [up, down] = [lane(link), lane(link)];
    server.on('connection', (browser) => {
      const there = connect(Number(target.port), target.hostname);
      for (const socket of [browser, there]) {
        own.sockets.add(socket.setNoDelay(true));
        socket.on('close', () => own.sockets.delete(socket)).on('error', () => socket.destroy());
      }
      // Each chunk takes its time on the line, then the latency; the sender waits while a quarter of a second lies ahead.
      const relay = (from: Socket, to: Socket, pass: ReturnType<typeof lane>, count: (bytes: number) => void) => {
        from.on('data', (chunk) => {
          count(chunk.length);
          const [arrives, ahead] = pass(chunk.length);
          if (ahead > 250) {
            from.pause();
            setTimeout(() => from.resume(), ahead - 250);
          }
          setTimeout(() => to.write(chunk), arrives);
        });
        from.on('end', () => setTimeout(() => to.end(), pass(0)[0]));
      };
      relay(browser, there, up, () => {});
      relay(there, browser, down, (bytes) => (own.received += bytes));
    });
    return own;
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

/** One direction: when a chunk arrives and how long the line is busy until then, both in milliseconds from now. */
function lane(link?: Link): (bytes: number) => [arrives: number, ahead: number] {
  let free = 0;
  return (bytes) => {
    if (!link) return [0, 0];
    const now = performance.now();
    free = Math.max(free, now) + (bytes * 8_000) / link.rate;
    return [free - now + link.latency, free - now];
  };
}
