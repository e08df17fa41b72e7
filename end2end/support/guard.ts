// Watches all that the pages of a test log and send. Whatever a clean page does not do fails the test at its end.
import type { BrowserContext, Page } from '@playwright/test';

interface Sent {
  url: string;
  text: string;
}

/** Console warnings that are faults too: Leptos warns about broken hydration, the browser about its policy. */
const FAULTY_WARNING = /hydrat|leptos|reactive|Content.Security.Policy/i;

/** A page that is left while it loads a part of its code early: the browser ends the request, and the loader logs it. */
const ENDED_WITH_ITS_PAGE = /TypeError: (.*Response body loading was aborted|Failed to fetch)\s[\s\S]*\/parts\.js/;

export class Guard {
  /** What went wrong so far, one line each. */
  readonly faults: string[] = [];
  /** Everything that was sent: URL, headers and body of each request. */
  readonly sent: Sent[] = [];
  /** All that pages and workers wrote to the console, errors included. */
  readonly consoleLines: string[] = [];
  private readonly allowed = [ENDED_WITH_ITS_PAGE];

  constructor(
    context: BrowserContext,
    private readonly origin: string,
  ) {
    context.on('console', (message) => {
      const text = `${message.text()} (${message.location().url})`;
      this.consoleLines.push(text);
      if (message.type() === 'error') this.fault(`console error: ${text}`);
      if (message.type() === 'warning' && FAULTY_WARNING.test(text)) this.fault(`console warning: ${text}`);
    });
    context.on('weberror', (error) => {
      const text = error.error().stack ?? error.error().message;
      this.consoleLines.push(text);
      this.fault(`page error: ${text}`);
    });
    context.on('request', (request) => {
      const url = request.url();
      const body = request.postDataBuffer();
      const headers = JSON.stringify(request.headers());
      this.sent.push({ url, text: `${url}\n${headers}\n${body?.toString('utf8') ?? ''}\n${body?.toString('hex') ?? ''}` });
      if (!/^(data|blob|about):/.test(url) && new URL(url).origin !== this.origin) {
        this.fault(`request to another origin: ${url}`);
      }
    });
  }

  /** Expect this from now on, for instance the console line of a 404 that the test causes. */
  allow(fault: RegExp): void {
    this.allowed.push(fault);
  }

  private fault(line: string): void {
    if (!this.allowed.some((allowed) => allowed.test(line))) this.faults.push(line);
  }
}

/** Everything that stands on a page, seen or not: its address, its elements, what is typed into its fields. */
export async function pageDump(page: Page): Promise<string> {
  return page.evaluate(() => {
    const fields = document.querySelectorAll<HTMLInputElement>('input, textarea, select');
    const typed = Array.from(fields, (field) => `${field.name}=${field.value}`);
    return [location.href, document.title, document.documentElement.outerHTML, ...typed, JSON.stringify(history.state)].join('\n');
  });
}

/** Everything a page has stored: local and session storage, cookies, every record of every IndexedDB, bytes as hex. */
export async function storageDump(page: Page): Promise<string> {
  const cookies = JSON.stringify(await page.context().cookies());
  const stored = await page.evaluate(async () => {
    const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const readable = (_: string, value: unknown) => {
      if (value instanceof ArrayBuffer) return hex(new Uint8Array(value));
      if (ArrayBuffer.isView(value)) return hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return value;
    };
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(request.error);
      });
    const databases: Record<string, unknown> = {};
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await settled(indexedDB.open(name));
      for (const store of Array.from(database.objectStoreNames)) {
        databases[`${name}/${store}`] = await settled(database.transaction(store).objectStore(store).getAll());
      }
      database.close();
    }
    return JSON.stringify({ local: { ...localStorage }, session: { ...sessionStorage }, databases }, readable);
  });
  return `${cookies}\n${stored}`;
}
