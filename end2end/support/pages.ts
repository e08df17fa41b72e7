// Every page there is.
import type { Page } from '@playwright/test';

/** Pages with a fixed path, by a name fit for a file. */
export const pages: Record<string, string> = {
  dashboard: '/',
  blocks: '/blocks',
  transactions: '/transactions',
  mempool: '/mempool',
  mining: '/mining',
  network: '/network',
  performance: '/performance',
  security: '/security',
  laboratory: '/lab',
  settings: '/settings',
  tokens: '/tokens',
  receipt: '/receipt',
  wallet: '/wallet',
};

/** Pages of one thing: the first link of this kind on a page that lists such things. */
export const linked: Record<string, { from: string; link: string }> = {
  block: { from: '/blocks', link: '/block/' },
  transaction: { from: '/transactions', link: '/tx/' },
  account: { from: '/block/1', link: '/account/' },
  scenario: { from: '/lab', link: '/lab/' },
};

/** Follows `linked[name]` to its path; undefined if the chain has no such thing yet. */
export async function findLinked(page: Page, name: string): Promise<string | undefined> {
  const { from, link } = linked[name]!;
  await page.goto(from);
  const found = page.locator(`main a[href^="${link}"]`).first();
  return (await found.count()) > 0 ? ((await found.getAttribute('href')) ?? undefined) : undefined;
}
