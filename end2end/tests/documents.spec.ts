// A document's fingerprint goes on the chain, and its receipt is checked in a tab without a network.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { expectAccessible } from '../support/accessible';
import { expect, open, test, type Page } from '../support/test';
import { createWallet, picture } from '../support/wallet';

const SLOW = { timeout: 60_000 };
const TEXT = Buffer.from('We agree on the roof.\n'.repeat(400_000));
const contract = { name: 'contract.txt', mimeType: 'text/plain', buffer: TEXT };
const other = { name: 'other.txt', mimeType: 'text/plain', buffer: Buffer.from('We do not.') };

/** The marks of the six checks. */
function marks(page: Page) {
  return page.locator('.verify-lines .mark-word');
}

test('a document is anchored, and its receipt holds with the network off @phone', async ({ page, browser, node }) => {
  test.setTimeout(240_000);
  await createWallet(page);
  await page.getByRole('button', { name: 'Get test coins' }).click();
  await expect(page.locator('.wallet-account .amount').first()).toContainText('100', SLOW);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Documents' }).click();
  const sha256 = createHash('sha256').update(TEXT).digest('hex');
  // A longer file, still read when the right one is chosen, does not take its place.
  await page.getByLabel('Document').setInputFiles({ ...contract, name: 'longer.txt', buffer: Buffer.concat([TEXT, TEXT, TEXT, TEXT]) });
  await page.getByLabel('Document').setInputFiles(contract);
  await expect(page.getByText(sha256)).toBeVisible(SLOW);
  await picture(page, 'wallet-documents');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText(`tally-document:1:sha256:${sha256}`)).toBeVisible();
  await page.getByRole('button', { name: 'Sign and send' }).click();
  await expect(page.locator('.follow-line')).toContainText('confirmation', SLOW);
  await page.getByRole('link', { name: 'To the transaction and its receipt' }).click();
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download the receipt' }).click();
  const receipt = readFileSync(await (await coming).path());
  expect(receipt.includes(TEXT.subarray(0, 20)), 'the document stays here').toBe(false);

  // Another reader, who then loses the network.
  const elsewhere = await browser.newContext({ baseURL: node.url });
  const reader = await elsewhere.newPage();
  await open(reader, '/receipt');
  await expect(marks(reader)).toHaveText(Array(6).fill('not checked yet'));
  await reader.getByLabel('Receipt file').setInputFiles({ name: 'receipt.json', mimeType: 'application/json', buffer: receipt });
  await expect(reader.getByText('It leads to block')).toBeVisible();
  await reader.getByRole('button', { name: 'Request the block' }).click();
  await expect(reader.getByText('Filled in as told by the node')).toBeVisible();
  await elsewhere.setOffline(true);
  await reader.getByLabel('Document (optional)').setInputFiles(contract);
  await expect(reader.getByText(`SHA-256 ${sha256}`).first()).toBeVisible(SLOW);
  await reader.getByRole('button', { name: 'Check it' }).click();
  // The trust is only what the node reports, since the node gave the id.
  await expect(marks(reader)).toHaveText([...Array(5).fill('verified here'), 'as told by the node']);
  await expect(reader.locator('.verify-lines .mark-why')).toContainText('compare it with a source of your own');
  await expect(reader.getByText('The document is the one that was anchored')).toBeVisible();
  // Another id in the field: nothing stands beside it that was found of the one before. With one's own id all holds.
  const trusted = reader.getByLabel('Block id that you trust');
  const id = await trusted.inputValue();
  await trusted.fill('');
  await expect(marks(reader)).toHaveText(Array(6).fill('not checked yet'));
  await expect(reader.getByText('What the receipt shows')).toHaveCount(0);
  await trusted.fill(id);
  await reader.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(reader)).toHaveText(Array(6).fill('verified here'));
  await picture(reader, 'receipt-holds');
  await expectAccessible(reader, 'a receipt that holds');

  // Another document, another block, another amount: each is found.
  await reader.getByLabel('Document (optional)').setInputFiles(other);
  await expect(reader.getByText('This is another document')).toBeVisible();
  await trusted.fill('0'.repeat(64));
  await reader.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(reader)).toHaveText([...Array(5).fill('verified here'), 'does not hold']);
  const forged = JSON.parse(receipt.toString());
  forged.envelope = forged.envelope.replace(/.$/, (last: string) => (last === '0' ? '1' : '0'));
  await reader.getByLabel('Receipt file').setInputFiles({ name: 'forged.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(forged)) });
  await expect(marks(reader).first()).toHaveText('not checked yet');
  await reader.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(reader)).toHaveText(Array(6).fill('does not hold'));
  await expect(reader.getByText('What the receipt shows')).toHaveCount(0);
  await picture(reader, 'receipt-refuted');
  await reader.getByLabel('Receipt file').setInputFiles(other);
  await expect(reader.getByText('not a Tally receipt')).toBeVisible();
  await elsewhere.close();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('/receipt shows what it needs', async ({ page }) => {
    await page.goto('/receipt');
    const hint = page.locator('main code');
    await expect(hint).toBeVisible();
    await expect(hint).toHaveText('tally receipt verify');
  });
});
