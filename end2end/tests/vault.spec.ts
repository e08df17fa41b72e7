// What a vault keeps, and how it is backed up and comes back: one test each.
import { readFileSync } from 'node:fs';

import { emptyWallet } from '../support/saved';
import { expect, expectKeptSecret, hydrated, open, test, type Page } from '../support/test';
import { PASSWORD, addressOf, card, checkBack, choosePassword, manage, opened, picture, shownPhrase, unlock } from '../support/wallet';

const PUBLIC_PHRASE = 'test test test test test test test test test test test junk';
const FRIEND = '0x8ba1f109551bD432803012645Ac136ddd64DBA72';
const SLOW = { timeout: 60_000 };

async function go(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name, exact: true }).click();
}

async function labels(page: Page): Promise<string[]> {
  return page.locator('.wallet-account-head strong').allTextContents();
}

test('accounts are renamed, moved, archived and watched, and it all lasts @phone', async ({ page, node }) => {
  await emptyWallet(page, node);
  await manage(page, 'ECC account');
  await card(page, 'ECC account').getByLabel('Name').fill('Everyday');
  await card(page, 'ECC account').getByRole('button', { name: 'Rename' }).click();
  await expect(card(page, 'Everyday')).toBeVisible();

  await manage(page, 'Everyday');
  await card(page, 'Everyday').getByRole('button', { name: 'Move up' }).click();
  await expect.poll(() => labels(page)).toEqual(['Everyday', 'RSA account']);
  await picture(page, 'wallet-manage');

  await page.getByText('Watch an account without its key').click();
  const form = page.getByRole('form', { name: 'An account to look at' });
  await form.getByRole('button', { name: 'Watch' }).click();
  await expect(page.getByText('A name is needed.')).toBeVisible();
  await form.getByLabel('Name').fill('A friend');
  await form.getByLabel('Address').fill(FRIEND.toLowerCase());
  await form.getByRole('button', { name: 'Watch' }).click();
  await expect(card(page, 'A friend')).toContainText('watched, no key here');
  await expect(card(page, 'A friend').getByRole('link', { name: 'Send' })).toHaveCount(0);

  await manage(page, 'RSA account');
  await card(page, 'RSA account').getByRole('button', { name: 'Archive' }).click();
  await expect.poll(() => labels(page)).toEqual(['Everyday', 'A friend', 'RSA account']);
  await expect(page.getByText('Archived accounts')).toBeVisible();
  await expect(card(page, 'RSA account')).toBeHidden();

  await page.reload();
  await hydrated(page);
  await unlock(page);
  await opened(page);
  await expect.poll(() => labels(page)).toEqual(['Everyday', 'A friend', 'RSA account']);
  await page.getByText('Archived accounts').click();
  await manage(page, 'RSA account');
  await card(page, 'RSA account').getByRole('button', { name: 'Show it again' }).click();
  await expect.poll(() => labels(page)).toEqual(['Everyday', 'RSA account', 'A friend']);
  await manage(page, 'A friend');
  await card(page, 'A friend').getByRole('button', { name: 'Stop watching' }).click();
  await expect.poll(() => labels(page)).toEqual(['Everyday', 'RSA account']);
});

test('the address book fills in whom to pay @phone', async ({ page, node }) => {
  await emptyWallet(page, node);
  await go(page, 'Address book');
  await expect(page.getByText('No addresses yet')).toBeVisible();
  await page.getByLabel('Name').fill('Ann');
  await page.getByLabel('Address', { exact: true }).fill('0x123');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText(/This is not an address/)).toBeVisible();
  await page.getByLabel('Address', { exact: true }).fill(FRIEND);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(card(page, 'Ann')).toBeVisible();
  await page.getByLabel('Name').first().fill('Again');
  await page.getByLabel('Address', { exact: true }).fill(FRIEND);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText(/address book already has/)).toBeVisible();
  await picture(page, 'wallet-contacts');

  await card(page, 'Ann').getByText('Change', { exact: true }).click();
  await card(page, 'Ann').getByLabel('Name').fill('Anna');
  await card(page, 'Ann').getByRole('button', { name: 'Rename' }).click();
  await expect(card(page, 'Anna')).toBeVisible();
  await go(page, 'Send');
  await page.getByRole('group', { name: 'Address book' }).getByRole('button', { name: /Anna/ }).click();
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(FRIEND);
  await go(page, 'Address book');
  await card(page, 'Anna').getByText('Change', { exact: true }).click();
  await card(page, 'Anna').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('No addresses yet')).toBeVisible();
});

test('a backup file brings everything back under the password of its day @phone', async ({ page, guard, node }) => {
  await emptyWallet(page, node);
  const address = await addressOf(page, 'ECC account');
  await go(page, 'Address book');
  await page.getByLabel('Name').fill('Ann');
  await page.getByLabel('Address', { exact: true }).fill(FRIEND);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(card(page, 'Ann')).toBeVisible();

  await go(page, 'Back up');
  await picture(page, 'wallet-backup');
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download the backup file' }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toMatch(/^tally-wallet-test-\d{4}-\d\d-\d\d\.json$/);
  const file = readFileSync(await download.path());
  expect(JSON.parse(file.toString()).format).toBe('tally-vault');

  // Another password for the browser; the file keeps its own.
  const second = 'seventeen harbour violins';
  const change = async (current: string) => {
    await page.getByLabel('The password you have now').fill(current);
    await page.getByLabel('Password', { exact: true }).fill(second);
    await page.getByLabel('The same again').fill(second);
    await page.getByRole('button', { name: 'Change the password' }).click();
  };
  await change('not this one');
  await expect(page.getByText('The password is wrong.')).toBeVisible(SLOW);
  await change(PASSWORD);
  await expect(page.getByText('The password was changed.')).toBeVisible(SLOW);
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Unlock' })).toBeVisible();
  await unlock(page, PASSWORD);
  await expect(page.getByText(/The password is wrong/)).toBeVisible(SLOW);
  await unlock(page, second);
  await expect(page.getByRole('heading', { name: 'Back up' })).toBeVisible(SLOW);

  await go(page, 'Accounts');
  await page.getByRole('button', { name: 'Remove this wallet from the browser' }).click();
  await page.getByRole('dialog').getByRole('checkbox').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove it' }).click();
  await page.getByRole('link', { name: 'Restore from a phrase or a file' }).click();

  const choose = (text: string) =>
    page.getByLabel('Backup file', { exact: true }).setInputFiles({
      name: 'backup.json',
      mimeType: 'application/json',
      buffer: Buffer.from(text),
    });
  const text = file.toString();
  await choose('{}');
  await expect(page.getByText('This is not a Tally vault.')).toBeVisible();
  await choose(text.replace('"version":1', '"version":9'));
  await expect(page.getByText(/This vault is of version 9/)).toBeVisible();
  await choose(text.replace('"ciphertext":"', '"ciphertext":"AAAA'));
  await expect(page.getByText(/The vault is damaged/)).toBeVisible();
  await picture(page, 'wallet-restore-damaged');
  await choose(text);
  await page.getByLabel('Password of the file').fill(second);
  await page.getByRole('button', { name: 'Restore from the file' }).click();
  await expect(page.getByText('The password is wrong.')).toBeVisible(SLOW);
  await page.getByLabel('Password of the file').fill(PASSWORD);
  await page.getByRole('button', { name: 'Restore from the file' }).click();
  await opened(page);
  expect(await addressOf(page, 'ECC account')).toBe(address);
  await go(page, 'Address book');
  await expect(card(page, 'Ann')).toBeVisible();
  await expectKeptSecret([PASSWORD, second], { guard, page, node });
});

test('a Japanese phrase with a passphrase is made, and comes back', async ({ page }) => {
  await open(page, '/wallet/create');
  await page.getByLabel('Language of the words').selectOption({ label: '日本語' });
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const words = await shownPhrase(page);
  await picture(page, 'wallet-create-japanese');
  await page.getByRole('button', { name: 'I have written them down' }).click();
  // Typed by an input method: composed, where the list is decomposed.
  await checkBack(page, words.map((word) => word.normalize('NFC')));
  const passphrase = async (first: string, second: string) => {
    const summary = page.getByText('Add a passphrase to the phrase (for the experienced)');
    if (await page.getByLabel('Passphrase', { exact: true }).isHidden()) await summary.click();
    await page.getByLabel('Passphrase', { exact: true }).fill(first);
    await page.getByLabel('The passphrase again').fill(second);
  };
  await passphrase('kelp', 'help');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await expect(page.getByRole('button', { name: 'Create the wallet' })).toBeDisabled();
  await passphrase('kelp', 'kelp');
  await choosePassword(page);
  await opened(page);
  const address = await addressOf(page, 'ECC account');

  for (const [phrase, same] of [['kelp', true], ['', false]] as const) {
    await page.getByRole('button', { name: 'Remove this wallet from the browser' }).click();
    await page.getByRole('dialog').getByRole('checkbox').check();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('link', { name: 'Restore from a phrase or a file' }).click();
    await page.getByLabel('Recovery phrase').fill(words.join('\u3000'));
    await page.getByRole('button', { name: 'Go on' }).click();
    if (phrase) await passphrase(phrase, phrase);
    await choosePassword(page);
    await opened(page);
    expect((await addressOf(page, 'ECC account')) === address).toBe(same);
  }
});

test('used accounts are found after a restore', async ({ page }) => {
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill(PUBLIC_PHRASE);
  await page.getByRole('button', { name: 'Go on' }).click();
  await choosePassword(page);
  await opened(page);
  // The chain gives coins to the first ten.
  await expect(card(page, 'ECC account 10')).toBeVisible(SLOW);
  await expect(page.getByText(/more accounts were found|No further account/)).toBeVisible(SLOW);
  await picture(page, 'wallet-found');
  // Who misses an account learns where was looked, and how one of another path comes here.
  await expect(page.getByText("ECC accounts were looked for along m/44'/60'/0'/0/i. One of another path comes with its key")).toBeVisible();
  await page.getByText('Find used accounts').click();
  await expect(page.getByText("Ledger Live and others also use m/44'/60'/i'/0/0")).toBeVisible();
  await page.getByLabel('Stop after').selectOption('5');
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await expect(page.getByText('No further account was used before.')).toBeVisible(SLOW);
});

test('a phrase of two languages needs the choice of one', async ({ page }) => {
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill('革 偷 分 兄 烷 迫 吸 宗 僚 恨 罩 植');
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText(/several word lists/)).toBeVisible();
  await page.getByLabel('Language of the words').selectOption('chinese-simplified');
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByRole('button', { name: 'Create the wallet' })).toBeVisible();
});
