// The wallet's smaller promises, one test each.
import { emptyWallet } from '../support/saved';
import { expect, hydrated, open, test } from '../support/test';
import { PASSWORD, addressOf, card, choosePassword, createWallet, opened, picture, unlock } from '../support/wallet';

const PUBLIC_PHRASE = 'test test test test test test test test test test test junk';
const PUBLIC_RSA = '0x6dbBd9E1099f6e32833374e4F68E1006fAC7f0c7';
const PUBLIC_ECC = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

test('a phrase restores the accounts it always gave @phone', async ({ page }) => {
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill(PUBLIC_PHRASE.replace('junk', 'test'));
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText('checksum is wrong')).toBeVisible();
  await picture(page, 'wallet-restore');
  await page.getByLabel('Recovery phrase').fill(`  ${PUBLIC_PHRASE.toUpperCase()} `);
  await page.getByRole('button', { name: 'Go on' }).click();
  await choosePassword(page);
  await opened(page);
  expect(await addressOf(page, 'RSA account')).toBe(PUBLIC_RSA);
  expect(await addressOf(page, 'ECC account')).toBe(PUBLIC_ECC);
});

test('a word that was not the one shown is named', async ({ page }) => {
  await open(page, '/wallet/create');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  await page.getByRole('button', { name: 'I have written them down' }).click();
  const first = page.getByLabel(/^Word \d+$/).first();
  const position = (await first.getAttribute('name'))?.replace('word-', '');
  for (const field of await page.getByLabel(/^Word \d+$/).all()) await field.fill('zebrafish');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await expect(page.getByText(`Word ${position} is not the one that was shown.`)).toBeVisible();
});

test('more accounts by one click each, and they are kept', async ({ page, node }) => {
  await emptyWallet(page, node);
  await page.getByRole('button', { name: 'Add a secp256k1 account' }).click();
  await expect(card(page, 'ECC account 2')).toBeVisible();
  await page.getByRole('button', { name: 'Add an RSA-2048 account' }).click();
  await expect(card(page, 'RSA account 2')).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await hydrated(page);
  await unlock(page);
  await opened(page);
  await expect(page.locator('.wallet-account')).toHaveCount(4);
});

test('it locks by hand, and by itself when nobody uses it', async ({ page }) => {
  await page.clock.install();
  await createWallet(page);
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Unlock' })).toBeVisible();
  await unlock(page);
  await opened(page);
  await page.clock.fastForward('09:00');
  await expect(page.getByRole('heading', { name: 'Accounts', exact: true })).toBeVisible();
  await page.keyboard.press('Tab'); // use counts
  await page.clock.fastForward('09:00');
  await expect(page.getByRole('heading', { name: 'Accounts', exact: true })).toBeVisible();
  await page.clock.fastForward('11:00');
  await expect(page.getByText('Locked after 10 min without use.')).toBeVisible();
  await unlock(page);
  await opened(page);
});

test('a search for a key can be stopped, and begun again', async ({ page, node }) => {
  await emptyWallet(page, node);
  const accounts = page.locator('.wallet-account');
  await page.getByRole('button', { name: 'Add an RSA-2048 account' }).click();
  const cancel = page.getByRole('button', { name: 'Cancel' });
  // A quick device may find the key before it can be stopped.
  await cancel.click({ timeout: 5_000 }).catch(() => {});
  await expect(cancel).toBeHidden({ timeout: 60_000 });
  const before = await accounts.count();
  expect([2, 3]).toContain(before);
  await page.getByRole('button', { name: 'Add an RSA-2048 account' }).click();
  await expect(accounts).toHaveCount(before + 1, { timeout: 60_000 });
});

test('receiving: the whole address, and its picture @phone', async ({ page, node }) => {
  await emptyWallet(page, node);
  const address = await addressOf(page, 'ECC account');
  await card(page, 'ECC account').getByRole('link', { name: 'Receive' }).click();
  await expect(page.locator('.receive-address')).toContainText(address);
  await expect(page.getByRole('img', { name: 'QR code of the address' })).toBeVisible();
  await picture(page, 'wallet-receive');
});

test('bad input at sending is named, and nothing is signed', async ({ page, node }) => {
  await emptyWallet(page, node);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText('Paste or type the address to pay.')).toBeVisible();
  await page.getByLabel('To', { exact: true }).fill('0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266');
  await page.getByLabel(/^Amount in/).fill('1e3');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText(/This is not an address: .*checksum/)).toBeVisible();
  await expect(page.getByText(/This is not an amount/)).toBeVisible();
  await page.getByLabel('To', { exact: true }).fill(PUBLIC_ECC);
  await page.getByLabel(/^Amount in/).fill('5');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText('The account holds 0 only.')).toBeVisible();
  await picture(page, 'wallet-send-errors');
});

test('a vault of another chain is named, and left alone', async ({ page, node }) => {
  await emptyWallet(page, node);
  const moved = await page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(request.error);
      });
    const database = await settled(indexedDB.open('tally-wallet'));
    const store = database.transaction('vaults', 'readwrite').objectStore('vaults');
    const [key] = await settled(store.getAllKeys());
    const record = await settled(store.get(key!));
    record.chain = { ...record.chain, genesis: 'ab'.repeat(32), name: 'elsewhere' };
    await settled(store.delete(key!));
    await settled(store.put(record, record.chain.genesis));
    database.close();
    return record.chain.name as string;
  });
  expect(moved).toBe('elsewhere');
  await page.reload();
  await expect(page.getByText('A vault in this browser belongs to another chain')).toBeVisible();
  await expect(page.getByText(/elsewhere \(chain 8549/)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
  await picture(page, 'wallet-other-chain');
});

test('the wallet can be removed by who has the phrase', async ({ page, node }) => {
  await emptyWallet(page, node);
  await page.getByRole('button', { name: 'Remove this wallet from the browser' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Remove it' })).toBeDisabled();
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  for (const path of ['/wallet', '/wallet/create', '/wallet/send', '/mining']) {
    test(`${path} shows what it needs`, async ({ page }) => {
      const answer = await page.goto(path);
      expect(answer?.status()).toBe(200);
      await expect(page.getByText(/needs JavaScript and WebAssembly/)).toBeVisible();
    });
  }
});

test('no password is taken that is too short', async ({ page }) => {
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill(PUBLIC_PHRASE);
  await page.getByRole('button', { name: 'Go on' }).click();
  const create = page.getByRole('button', { name: 'Create the wallet' });
  for (const [first, second] of [['short', 'short'], [PASSWORD, `${PASSWORD}!`]]) {
    await page.getByLabel('Password', { exact: true }).fill(first!);
    await page.getByLabel('The same again').fill(second!);
    await expect(create).toBeDisabled();
  }
  await expect(page.getByText('This is not the same as above.')).toBeVisible();
});
