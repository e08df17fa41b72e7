// `import { test, expect } from '../support/test'`: Playwright's test with a running node and a watchful guard.
import { test as base, expect, type Page } from '@playwright/test';

import { Guard, pageDump, storageDump } from './guard';
import { TallyNode, fastChain } from './node';
import { text, type Secret } from './secrets';

interface PerTest {
  /** Fails the test at its end if a page misbehaved; `guard.allow(…)` what is meant to happen. */
  guard: Guard;
}

interface PerWorker {
  /** Whether the node mines itself, as tests of mining need it; for a whole file. */
  nativeMiner: boolean;
  /** One node for all tests of a worker; a test that kills or restarts starts its own with `TallyNode.start()`. */
  node: TallyNode;
}

export const test = base.extend<PerTest, PerWorker>({
  nativeMiner: [false, { scope: 'worker', option: true }],
  node: [
    async ({ nativeMiner }, use) => {
      const node = await TallyNode.start(nativeMiner ? { chain: fastChain, mine: 'native' } : {});
      await use(node);
      await node.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  baseURL: async ({ node }, use) => use(node.url),
  guard: [
    async ({ browser, context, node }, use, info) => {
      const guard = new Guard(context, node.url);
      const earlier = new Set([context, ...browser.contexts()]);
      await use(guard);
      if (info.status !== info.expectedStatus) {
        await info.attach('node.log', { body: node.log, contentType: 'text/plain' });
      }
      // Live pages of tests that are over would take the processor from those that follow.
      const own = browser.contexts().filter((made) => !earlier.has(made));
      await Promise.all(own.map((made) => made.close()));
      expect(guard.faults, 'nothing on the pages went wrong').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect, storageDump, TallyNode };
export type { Guard, Page };

/** Waits until the page is alive: the app marks the document once it has hydrated. */
export async function hydrated(page: Page): Promise<void> {
  await expect(page.locator('html[data-hydrated]'), 'the page hydrates').toBeAttached();
}

/** Opens a page and waits until it is alive. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

/** Waits until the chain of a node has this many blocks. */
export async function waitForHeight(node: TallyNode, height: number): Promise<void> {
  await expect
    .poll(async () => Number((await node.api('status')).height), { message: `block ${height}`, timeout: 60_000 })
    .toBeGreaterThanOrEqual(height);
}

/**
 * None of these secrets was sent anywhere, stored in the browser, written to the console, left on the page or logged by the
 * node. A plain text is looked for as it is, as hex and as base64.
 */
export async function expectKeptSecret(secrets: (string | Secret)[], where: { guard: Guard; page: Page; node: TallyNode }) {
  const { guard, page, node } = where;
  const places: [string, string[]][] = [
    ['sent', guard.sent.map((sent) => sent.text)],
    ['on the console', guard.consoleLines],
    ['left on the page', [await pageDump(page)]],
    ['stored in the browser', [await storageDump(page)]],
    ['logged by the node', [node.log]],
  ];
  const wanted = secrets.map((secret, place) => (typeof secret === 'string' ? text(`secret ${place}`, secret) : secret));
  const leaks = wanted.flatMap((secret) =>
    places.filter(([, texts]) => texts.some((text) => secret.found(text))).map(([place]) => `${secret.name} was ${place}`),
  );
  expect(leaks, 'secrets that left the worker').toEqual([]);
}
