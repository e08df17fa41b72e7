// Wallets that are made once in a worker, as a user makes them, and put into the browser again for each test that is about
// something else. Only the vault is kept: what a browser has seen and sent starts empty, as on another node.
import type { BrowserContext } from '@playwright/test';

import { expect, open, type Page, type TallyNode } from './test';
import { choosePassword, createWallet, opened, unlock } from './wallet';

/** PUBLIC: its accounts hold coins from genesis. */
export const PUBLIC_PHRASE = 'test test test test test test test test test test test junk';

type Vault = Awaited<ReturnType<BrowserContext['storageState']>>['origins'][number];

const vaults = new Map<string, Vault>();

/** Opens a wallet that never had a coin: not for tests that pay it, since all of a worker have the same accounts. */
export async function emptyWallet(page: Page, node: TallyNode): Promise<void> {
  await wallet(page, node, 'empty', async () => void (await createWallet(page)));
}

/** Opens the wallet of the PUBLIC phrase, its used accounts found. */
export async function publicWallet(page: Page, node: TallyNode): Promise<void> {
  await wallet(page, node, 'public', async () => {
    await open(page, '/wallet/restore');
    await page.getByLabel('Recovery phrase').fill(PUBLIC_PHRASE);
    await page.getByRole('button', { name: 'Go on' }).click();
    await choosePassword(page);
    await opened(page);
    await expect(page.getByText(/more accounts were found/)).toBeVisible({ timeout: 60_000 });
  });
}

async function wallet(page: Page, node: TallyNode, name: string, make: () => Promise<void>): Promise<void> {
  const vault = vaults.get(name);
  if (!vault) {
    await make();
    const { origins } = await page.context().storageState({ indexedDB: true });
    const made = origins.find(({ origin }) => origin === node.url);
    expect(made, 'the browser keeps the vault').toBeDefined();
    vaults.set(name, { ...made!, localStorage: [] });
    return;
  }
  // The same chain at another address: each node of a test has a port of its own.
  await page.context().setStorageState({ cookies: [], origins: [{ ...vault, origin: node.url }] });
  await open(page, '/wallet');
  await unlock(page);
  await opened(page);
}
