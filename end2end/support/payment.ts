// A chain with something to show.
import type { Browser } from '@playwright/test';

import type { TallyNode } from './node';
import { expect } from './test';
import { createWallet } from './wallet';

/** Makes sure that the chain has a payment: if there is none, a newcomer's wallet gets test coins. */
export async function ensurePayment(browser: Browser, node: TallyNode): Promise<void> {
  const count = async () => Number((await node.api('status')).transactions);
  if ((await count()) > 0) return;
  const page = await browser.newPage({ baseURL: node.url });
  await createWallet(page);
  await page.getByRole('button', { name: 'Get test coins' }).click();
  await expect.poll(count, { message: 'a payment is in a block', timeout: 60_000 }).toBeGreaterThan(0);
  await page.close();
}
