// Not a test of anything but that it runs: how quick pages are and how fast the browser mines, for docs/benchmarks.md.
//   FIGURES=1 npx playwright test --project=figures
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { summary } from '../support/figures';
import { findLinked, linked, pages } from '../support/pages';
import { ensurePayment } from '../support/payment';
import { expect, hydrated, open, test, waitForHeight } from '../support/test';

// As in the records so far.
test.use({ nativeMiner: true });

const TURNS = 20;
/** Hashes of each worker before its rate is read. */
const HASHES = 50_000_000;

const folder = resolve(__dirname, '..', '..', 'build');

function keep(name: string, figures: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.json`, JSON.stringify(figures, null, 2));
  console.log(JSON.stringify(figures, null, 2));
}

test('figures of the pages', async ({ browser, page, node }) => {
  test.setTimeout(600_000);
  await ensurePayment(browser, node);
  await waitForHeight(node, 30);
  const paths = { ...pages };
  for (const name of Object.keys(linked)) paths[name] = (await findLinked(page, name))!;
  const figures: Record<string, string> = { browser: browser.version() };

  // The node alone: from the request to the last byte of the HTML; the limit is an answer of two bytes.
  for (const [name, path] of [['limit: /healthz', '/healthz'], ...Object.entries(paths)] as [string, string][]) {
    const times: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const began = performance.now();
      const answer = await fetch(node.url + path);
      await answer.text();
      times.push(performance.now() - began);
    }
    figures[`server, ${name}`] = summary(times);
  }

  // A tab that has never been here: nothing in its cache.
  for (const name of ['dashboard', 'transaction', 'wallet']) {
    const painted: number[] = [];
    const alive: number[] = [];
    for (let turn = 0; turn < 7; turn++) {
      const context = await browser.newContext({ baseURL: node.url });
      const tab = await context.newPage();
      await tab.addInitScript(() => {
        const own = window as unknown as { aliveAt?: number };
        new MutationObserver((_, observer) => {
          if (!document.documentElement.hasAttribute('data-hydrated')) return;
          own.aliveAt = performance.now();
          observer.disconnect();
        }).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-hydrated'] });
      });
      await tab.goto(paths[name]!);
      await hydrated(tab);
      const [paint, at] = await tab.evaluate(() => [
        performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
        (window as unknown as { aliveAt?: number }).aliveAt ?? NaN,
      ]);
      painted.push(paint!);
      alive.push(at!);
      await context.close();
    }
    figures[`first paint, ${name}`] = summary(painted);
    figures[`alive (hydrated), ${name}`] = summary(alive);
  }
  keep('figures-pages', figures);
});

for (const workers of [1, 2]) {
  test(`figures of mining with ${workers} workers`, async ({ page, node }) => {
    test.setTimeout(300_000);
    // No one else mines: the processor is the browser's.
    await node.mine(false);
    await page.addInitScript(() => {
      const own = window as unknown as { hashed: { worker: number; hashes: number; ms: number }[] };
      own.hashed = [];
      let count = 0;
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          const worker = count++;
          this.addEventListener('message', ({ data }) => {
            const hashed = data?.Hashed;
            if (hashed) own.hashed.push({ worker, hashes: hashed.hashes, ms: hashed.milliseconds });
          });
        }
      };
    });
    await open(page, '/mining');
    await page.getByLabel('Pay to').fill('0x52908400098527886E0F7030069857D2E4169EE7');
    await page.getByLabel('Workers').fill(String(workers));
    await page.getByRole('button', { name: 'Start mining here' }).click();
    const rates = async () =>
      page.evaluate(() => {
        const sums = new Map<number, { hashes: number; ms: number }>();
        for (const { worker, hashes, ms } of (window as any).hashed) {
          const sum = sums.get(worker) ?? { hashes: 0, ms: 0 };
          sums.set(worker, { hashes: sum.hashes + hashes, ms: sum.ms + ms });
        }
        return [...sums.values()];
      });
    await expect
      .poll(async () => (await rates()).filter((sum) => sum.hashes > HASHES).length, { timeout: 240_000 })
      .toBe(workers);
    const found = await rates();
    await page.getByRole('button', { name: 'Stop mining here' }).click();
    keep(`figures-mining-${workers}`, {
      [`MH/s of each of ${workers} workers`]: found.map((sum) => (sum.hashes / sum.ms / 1_000).toFixed(2)).join(', '),
    });
    await node.mine('native');
  });
}
