// Requesting a payment by a link, following one, and the history as a file.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from '@playwright/test';

import { give } from '../support/coins';
import { emptyWallet } from '../support/saved';
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
  await page.getByLabel(/^Request an amount in/).fill('a lot');
  await expect(page.getByRole('alert').getByText('This is not an amount')).toBeVisible();
  await page.getByLabel(/^Request an amount in/).fill('2.5');
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
  await expect(page.getByText('payments by contracts are no transactions and are not in it')).toBeVisible();
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

test('amounts are typed in base units by who wants that', async ({ page, node }) => {
  await emptyWallet(page, node);
  const own = await addressOf(page, 'RSA account');
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByLabel('Amounts in').selectOption('Base units');
  await page.getByRole('link', { name: 'Wallet' }).first().click();
  await tab(page, 'Receive');
  await page.getByLabel('Request an amount in base units').fill('1.5');
  await expect(page.getByRole('alert').getByText('Whole base units, digits only')).toBeVisible();
  await page.getByLabel('Request an amount in base units').fill('1500');
  await expect(page.getByText(`ethereum:${own}@8549?value=1500`)).toBeVisible();
  await tab(page, 'Send');
  await page.getByLabel('To', { exact: true }).fill(`ethereum:${OTHER}@8549?value=2e18`);
  await expect(page.getByLabel('Amount in base units')).toHaveValue('2000000000000000000');
});

/** The picture of the code on the receive page, as a photograph shows it. */
async function photograph(page: Page): Promise<Buffer> {
  await tab(page, 'Receive');
  await page.getByLabel(/^Request an amount in/).fill('0.75');
  const code = page.getByRole('img', { name: 'QR code of the payment link' });
  await expect(code).toBeVisible();
  return code.screenshot();
}

test('a QR code is read from a picture, and what is none is named', async ({ page, node }) => {
  test.setTimeout(180_000);
  await emptyWallet(page, node);
  const own = await addressOf(page, 'RSA account');
  const picture = await photograph(page);
  await tab(page, 'Send');
  const open = page.getByLabel('Open a picture of one');
  await open.setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: picture });
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(own, SLOW);
  await expect(page.getByLabel(/^Amount in/)).toHaveValue('0.75');
  // The same in light on dark, as a screen in dark mode shows it.
  const dark = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
    const context = canvas.getContext('2d')!;
    context.filter = 'invert(1)';
    context.drawImage(bitmap, 0, 0);
    return canvas.toDataURL('image/png').split(',')[1]!;
  }, [...picture]);
  await page.getByLabel('To', { exact: true }).fill('');
  await open.setInputFiles({ name: 'dark.png', mimeType: 'image/png', buffer: Buffer.from(dark, 'base64') });
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(own, SLOW);
  await open.setInputFiles({ name: 'empty.png', mimeType: 'image/png', buffer: await page.getByRole('heading', { level: 1 }).screenshot() });
  await expect(page.getByText('No QR code was found in the picture.')).toBeVisible(SLOW);
  await open.setInputFiles({ name: 'none.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
  await expect(page.getByText('The browser cannot read this as a picture.')).toBeVisible();
  // This browser has no camera.
  await page.getByRole('button', { name: 'Scan a QR code' }).click();
  await expect(page.getByText(/There is no camera here|could not be opened/)).toBeVisible(SLOW);
  await expect(page.getByRole('button', { name: 'Scan a QR code' })).toBeVisible();
});

test('a QR code is read with the camera', async ({ page, node }) => {
  test.setTimeout(180_000);
  await emptyWallet(page, node);
  const own = await addressOf(page, 'RSA account');
  const picture = await photograph(page);
  const film = join(mkdtempSync(join(tmpdir(), 'tally-film-')), 'code.y4m');
  writeFileSync(film, await filmOf(page, picture));

  // A browser whose camera sees that picture; the shell that the other tests run in has none.
  const { args } = test.info().project.use.launchOptions!;
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const camera = ['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`];
  const other = await chromium.launch({ executablePath, args: [...args!, ...camera] });
  const context = await other.newContext({ baseURL: node.url, permissions: ['camera'] });
  const reader = await context.newPage();
  await emptyWallet(reader, node);
  await tab(reader, 'Send');
  await reader.getByRole('button', { name: 'Scan a QR code' }).click();
  await expect(reader.getByLabel('To', { exact: true })).toHaveValue(own, SLOW);
  await expect(reader.getByLabel(/^Amount in/)).toHaveValue('0.75');
  await expect(reader.getByLabel('What the camera sees')).toHaveCount(0);
  await other.close();
});

/** A film of one still picture, 640 by 480, in the form that Chromium's pretended camera takes. */
async function filmOf(page: Page, png: Buffer): Promise<Buffer> {
  const luma = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'white';
    context.fillRect(0, 0, 640, 480);
    context.drawImage(bitmap, 120, 40, 400, 400);
    const { data } = context.getImageData(0, 0, 640, 480);
    return Array.from({ length: 640 * 480 }, (_, place) => data[place * 4]!);
  }, [...png]);
  const frame = Buffer.concat([Buffer.from('FRAME\n'), Buffer.from(luma), Buffer.alloc((640 * 480) / 2, 128)]);
  return Buffer.concat([Buffer.from('YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n'), ...Array(10).fill(frame)]);
}
