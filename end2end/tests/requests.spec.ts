// Asking to be paid by a link, following one, and the history as a file.
import { readFileSync } from 'node:fs';

import { give } from '../support/coins';
import { expect, test, type Page } from '../support/test';
import { addressOf, createWallet, picture } from '../support/wallet';

const OTHER = '0x52908400098527886E0F7030069857D2E4169EE7';
const SLOW = { timeout: 60_000 };

async function tab(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
}

test('a payment link is made, followed, and refused where it does not fit @phone', async ({ page, node }) => {
  test.setTimeout(180_000);
  await createWallet(page);
  const own = await addressOf(page, 'RSA account');
  await tab(page, 'Receive');
  await page.getByLabel(/^Ask for an amount in/).fill('a lot');
  await expect(page.getByRole('alert').getByText('This is no amount')).toBeVisible();
  await page.getByLabel(/^Ask for an amount in/).fill('2.5');
  const link = `ethereum:${own}@8549?value=2500000000000000000`;
  await expect(page.getByText(link)).toBeVisible();
  await expect(page.getByRole('img', { name: 'QR code of the payment link' })).toBeVisible();
  await picture(page, 'wallet-request');

  await give(node, own, '10');
  await tab(page, 'Send');
  const to = page.getByLabel('To', { exact: true });
  for (const [pasted, why] of [
    [`ethereum:${OTHER}@1?value=1`, 'is for the chain 1, this is 8549'],
    [`ethereum:${OTHER.replace('E', 'e')}@8549`, 'EIP-55'],
    [`ethereum:${OTHER}@8549/transfer?address=${own}`, 'calls the function'],
    [`ethereum:${OTHER}@8549?value=1.5`, 'no whole number of base units'],
    [`ethereum:${OTHER}@8549?gas=21000`, '"gas"'],
  ]) {
    await to.fill(pasted!);
    await expect(page.getByRole('alert').getByText(why!)).toBeVisible();
    await expect(page.getByLabel(/^Amount in/)).toHaveValue('');
  }
  await to.fill(`ethereum:${OTHER}@8549?value=1.25e18`);
  await expect(to).toHaveValue(OTHER);
  await expect(page.getByLabel(/^Amount in/)).toHaveValue('1.25');
  await expect(page.getByText('Filled in from the payment link.')).toBeVisible();
  await page.getByLabel('Memo').fill('=1+1, "tea"');
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Sign and send' }).click();
  await expect(page.locator('.follow-line')).toContainText('confirmation', SLOW);

  // All of it as a file: exact, and no formula for a spreadsheet.
  await tab(page, 'History');
  const save = async (name: string) => {
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name }).click();
    return readFileSync(await (await coming).path(), 'utf8');
  };
  const csv = (await save('Save as CSV')).trimEnd().split('\r\n');
  expect(csv[0]).toBe('time,height,id,status,direction,counterparty,amount,fee,memo,nonce');
  expect(csv).toHaveLength(3);
  expect(csv[1]).toContain(`,included,sent,${OTHER},1.25,`);
  expect(csv[1]).toContain(`,"'=1+1, ""tea""",0`);
  expect(csv[2]).toContain(',included,received,');
  const json = JSON.parse(await save('Save as JSON'));
  expect(json.map((line: { direction: string; amount: string }) => [line.direction, line.amount])).toEqual([
    ['sent', '1.25'],
    ['received', '10'],
  ]);
  expect(json[0].memo).toBe('=1+1, "tea"');
});
