// Not a test of anything but that it runs: what a tab takes to verify a long chain, for docs/benchmarks.md. The chain comes from
//   LONG_CHAIN=DIR cargo nextest run --locked -p tally --test server --run-ignored only a_chain_for_the_figures_of_pages
//   LONG_CHAIN=DIR FIGURES=1 npx playwright test --project=figures figures-light
import { join } from 'node:path';

import { devices, type Browser } from '@playwright/test';

import { summary } from '../support/figures';
import { SlowLink, type Link } from '../support/slow-link';
import { expect, TallyNode, test } from '../support/test';

const folder = process.env.LONG_CHAIN;
/** The block that most blocks of such a chain are shown like. */
const PAGE = '/block/5';
const TURNS = 5;

interface Circumstances {
  /** Loopback without it. */
  link?: Link;
  /** How many times slower the processor is. */
  slower?: number;
  phone?: boolean;
}

const all: Record<string, Circumstances> = {
  'loopback': {},
  '10 Mbit/s, 40 ms': { link: { rate: 10_000_000, latency: 40 } },
  'phone, processor at a quarter': { slower: 4, phone: true },
  'phone at a quarter, 10 Mbit/s, 40 ms': { link: { rate: 10_000_000, latency: 40 }, slower: 4, phone: true },
};

/** Milliseconds from the request of the page on, of a tab that has never been here, and the bytes that came to it. */
async function measure(browser: Browser, url: string, { link, slower, phone }: Circumstances) {
  const line = await SlowLink.before(url, link);
  const context = await browser.newContext({ baseURL: line.url, ...(phone ? devices['Pixel 7'] : {}) });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  if (slower) await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.addInitScript(() => {
    const own = window as unknown as { seen: Record<string, number> };
    own.seen = {};
    const note = (name: string) => (own.seen[name] ??= performance.now());
    new MutationObserver(() => {
      if (document.documentElement.hasAttribute('data-hydrated')) note('alive');
      const seal = document.getElementById('seal')?.textContent ?? '';
      if (seal.includes('Verified from genesis')) note('verified');
      if (document.querySelector('.verify-lines .mark')?.textContent?.includes('verified here')) note('marked');
    }).observe(document, { attributes: true, childList: true, subtree: true, characterData: true });
  });
  await page.goto(PAGE);
  await expect.poll(() => page.evaluate(() => 'verified' in (window as any).seen), { timeout: 120_000 }).toBe(true);
  const bytes = line.received;
  const seen = (await page.evaluate(() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN;
    return { ...(window as any).seen, paint };
  })) as Record<string, number>;
  const seal = (await page.locator('#seal').textContent())?.trim();
  await context.close();
  await line.end();
  return { seen, bytes, seal };
}

for (const [name, circumstances] of Object.entries(all)) {
  test(`a long chain: ${name}`, async ({ browser }) => {
    test.skip(!folder, 'LONG_CHAIN names no chain');
    test.setTimeout(900_000);
    const node = await TallyNode.start({ dataDir: join(folder!, 'data'), chain: join(folder!, 'spec.toml'), mine: false, readyWithin: 120_000 });
    try {
      const times: Record<string, number[]> = {};
      const bytes = [];
      let seal: string | undefined;
      for (let turn = 0; turn < TURNS; turn++) {
        const found = await measure(browser, node.url, circumstances);
        for (const [what, at] of Object.entries(found.seen)) (times[what] ??= []).push(at);
        bytes.push(found.bytes);
        seal = found.seal;
      }
      const lines = Object.entries(times).map(([what, list]) => `${what}: ${summary(list)}`);
      console.log([`${name}, ${seal}`, ...lines, `bytes until verified: ${Math.max(...bytes)}`].join('\n  '));
    } finally {
      await node.kill();
    }
  });
}
