// The table of inputs in the browser: the same verdicts as the command line and the library give (tests/inputs.json).
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { emptyWallet } from '../support/saved';
import { expect, open, test } from '../support/test';

interface Row {
  name: string;
  /** Base64. */
  file?: string;
  text?: string;
  password?: string;
  address?: string;
  message?: string;
}

const TABLE = JSON.parse(readFileSync(path.resolve(__dirname, '../../tests/inputs.json'), 'utf8')) as {
  keys: Row[];
  phrases: Row[];
};
const SLOW = { timeout: 60_000 };

test('every key file of the table gives its account or its message', async ({ page, node }) => {
  test.setTimeout(300_000);
  await emptyWallet(page, node);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Keys' }).click();
  for (const row of TABLE.keys) {
    await test.step(row.name, async () => {
      const buffer = Buffer.from(row.file ?? '', 'base64');
      const button = page.getByRole('button', { name: 'Read the file' });
      await page.getByLabel('Key file').setInputFiles({ name: 'key', mimeType: 'application/octet-stream', buffer });
      await page.getByLabel('Password of the file').fill(row.password ?? '');
      await button.click();
      if (row.address) {
        await expect(page.getByText(row.address), row.name).toBeVisible(SLOW);
        await page.getByRole('button', { name: 'Do not keep it' }).click();
        await expect(button).toBeVisible();
      } else {
        await expect(button).toBeEnabled(SLOW);
        await expect(page.locator('main'), row.name).toContainText(new RegExp(escaped(row.message ?? ''), 'i'), SLOW);
        await expect(page.getByText('The file holds')).toHaveCount(0);
      }
    });
  }
});

test('every phrase of the table is taken or named, and the counter agrees', async ({ page }) => {
  test.setTimeout(180_000);
  for (const row of TABLE.phrases) {
    await test.step(row.name, async () => {
      await open(page, '/wallet/restore');
      await page.getByLabel('Recovery phrase').fill(row.text ?? '');
      const go = page.getByRole('button', { name: 'Go on' });
      if (row.address) {
        await expect(page.getByText('So far: 12.'), row.name).toBeVisible();
        await go.click();
        await expect(page.getByRole('heading', { name: 'Choose a password for this browser' }), row.name).toBeVisible(SLOW);
      } else if (await go.isEnabled()) {
        await go.click();
        await expect(page.locator('main'), row.name).toContainText(new RegExp(escaped(row.message ?? ''), 'i'), SLOW);
      } else {
        await expect(page.getByText('So far: 0.'), row.name).toBeVisible();
      }
    });
  }
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
