// Key files of other programs, in and out of the wallet.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Wallet } from 'ethers';

import { emptyWallet } from '../support/saved';
import { expect, expectKeptSecret, test, type Page, type TallyNode } from '../support/test';
import { PASSWORD, card, picture } from '../support/wallet';

const FILES = path.resolve(__dirname, '../../crates/wallet/tests/data/keystore');
const FILE_PASSWORD = 'testpassword';
/** What web3-scrypt-cheap.json and web3-pbkdf2-cheap.json hold. */
const SECRET = '7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const ADDRESS = '0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b';
const SLOW = { timeout: 60_000 };

async function keysPage(page: Page, node: TallyNode): Promise<void> {
  await emptyWallet(page, node);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Keys' }).click();
  await expect(page.getByRole('heading', { name: 'Bring a key' })).toBeVisible();
}

async function read(page: Page, file: string | { name: string; mimeType: string; buffer: Buffer }, password = '') {
  await page.getByLabel('Key file').setInputFiles(typeof file === 'string' ? path.join(FILES, file) : file);
  await page.getByLabel('Password of the file').fill(password);
  await page.getByRole('button', { name: 'Read the file' }).click();
}

test('a key that was read and not kept is dropped with its page', async ({ page, node }) => {
  // The requests to the worker, by name.
  await page.addInitScript(() => {
    const [sent, post] = [[] as string[], Worker.prototype.postMessage];
    Object.assign(window, { sent });
    Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
      const request = (message[0] as { Request?: { request: unknown } }).Request?.request;
      sent.push(typeof request === 'string' ? request : Object.keys(request ?? {}).join());
      return Reflect.apply(post, this, message);
    };
  });
  const sent = () => page.evaluate(() => (window as unknown as { sent: string[] }).sent);
  await keysPage(page, node);
  await read(page, 'web3-scrypt-cheap.json', FILE_PASSWORD);
  await expect(page.getByText(ADDRESS)).toBeVisible(SLOW);
  expect(await sent()).toContain('ReadKey');
  expect(await sent()).not.toContain('DropKey');
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
  await expect.poll(sent).toContain('DropKey');
});

test('a Web3 keystore comes in, goes out, and opens elsewhere @phone', async ({ page, guard, node }) => {
  await keysPage(page, node);
  await picture(page, 'wallet-keys');
  await read(page, 'web3-scrypt-cheap.json', 'not this one');
  await expect(page.getByText('The password of the file is wrong.')).toBeVisible(SLOW);
  await page.getByLabel('Password of the file').fill(FILE_PASSWORD);
  await page.getByRole('button', { name: 'Read the file' }).click();
  await expect(page.getByText('Web3 keystore (version 3)')).toBeVisible(SLOW);
  await expect(page.getByText(ADDRESS)).toBeVisible();
  await expect(page.getByText('The recovery phrase does not restore this key')).toBeVisible();
  await picture(page, 'wallet-keys-found');
  await page.getByLabel('Name of the account').fill('From the other wallet');
  await page.getByRole('button', { name: 'Keep this key' }).click();
  await expect(page.getByText('The account was added')).toBeVisible();

  // Out again, under a password of its own.
  await page.getByLabel('Account', { exact: true }).first().selectOption({ label: `From the other wallet, ${ADDRESS}` });
  await page.getByLabel('New password for the file').fill('seventeen harbour violins');
  await page.getByLabel('The same again').fill('seventeen harbour violins');
  await page.getByLabel("The wallet's password").fill('not this one');
  await page.getByRole('button', { name: 'Download the encrypted key' }).click();
  await expect(page.getByText('The password is wrong.')).toBeVisible(SLOW);
  await page.getByLabel("The wallet's password").fill(PASSWORD);
  await page.getByLabel('New password for the file').fill('seventeen harbour violins');
  await page.getByLabel('The same again').fill('seventeen harbour violins');
  const coming = page.waitForEvent('download', SLOW);
  await page.getByRole('button', { name: 'Download the encrypted key' }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe(`tally-key-${ADDRESS}.json`);
  const file = readFileSync(await download.path(), 'utf8');
  const opened = await Wallet.fromEncryptedJson(file, 'seventeen harbour violins');
  expect([opened.address, opened.privateKey]).toEqual([ADDRESS, `0x${SECRET}`]);
  await picture(page, 'wallet-keys-exported');

  // What went out comes in again: it is held already.
  await read(page, { name: 'again.json', mimeType: 'application/json', buffer: Buffer.from(file) }, 'seventeen harbour violins');
  await expect(page.getByText('This account is in the wallet already')).toBeVisible(SLOW);
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
  await expect(card(page, 'From the other wallet')).toContainText('imported key');
  await expectKeptSecret([SECRET, FILE_PASSWORD, 'seventeen harbour violins'], { guard, page, node });
});

test('PEM files of OpenSSL come in, and a key goes out for it', async ({ page, node }) => {
  await keysPage(page, node);
  await read(page, 'rsa-2048.pem');
  await expect(page.getByText('PKCS#8 PEM without encryption')).toBeVisible(SLOW);
  await expect(page.getByText('anyone who has seen it has the key')).toBeVisible();
  await page.getByRole('button', { name: 'Do not keep it' }).click();
  await read(page, 'rsa-2048-openssl3-default.pem', FILE_PASSWORD);
  await expect(page.getByText('encrypted PKCS#8 PEM')).toBeVisible(SLOW);
  await page.getByLabel('Name of the account').fill('Smart card');
  await page.getByRole('button', { name: 'Keep this key' }).click();
  const added = page.getByText('The account was added').locator('..');
  const address = /0x[0-9a-fA-F]{40}/.exec((await added.textContent()) ?? '')?.[0] ?? '';

  await page.getByLabel('Account', { exact: true }).first().selectOption({ label: `Smart card, ${address}` });
  await page.getByLabel("The wallet's password").fill(PASSWORD);
  await page.getByLabel('New password for the file').fill('violins of the harbour');
  await page.getByLabel('The same again').fill('violins of the harbour');
  const coming = page.waitForEvent('download', SLOW);
  await page.getByRole('button', { name: 'Download the encrypted key' }).click();
  const file = await (await coming).path();
  const pass = ['-passin', 'pass:violins of the harbour'];
  const ours = execFileSync('openssl', ['pkey', '-in', file, ...pass, '-pubout'], { encoding: 'utf8' });
  expect(ours).toBe(readFileSync(path.join(FILES, 'rsa-2048-spki.pem'), 'utf8'));

  await page.getByLabel('Account', { exact: true }).last().selectOption({ label: `Smart card, ${address}` });
  await page.getByRole('button', { name: 'Show the public key' }).click();
  await expect(page.locator('.key-text').first()).toHaveText(ours.trim());
});

test('a public key is only watched', async ({ page, node }) => {
  await keysPage(page, node);
  await read(page, 'ec-spki.pem');
  await expect(page.getByText('There is no private key in the file')).toBeVisible(SLOW);
  await page.getByLabel('Name of the account').fill('Treasury');
  await page.getByRole('button', { name: 'Watch this account' }).click();
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
  await expect(card(page, 'Treasury')).toContainText('watched, no key here');
});

test('weak, foreign and damaged files are refused, each with its reason', async ({ page, node }) => {
  await keysPage(page, node);
  const cases: [string, RegExp][] = [
    ['rsa-1024.pem', /modulus has 1024 bits/],
    ['rsa-e3.pem', /public exponent is not 65537/],
    ['p256.pem', /The curve is "P-256 \(1\.2\.840\.10045\.3\.1\.7\)"/],
    ['rsa-2048-legacy.pem', /old way of OpenSSL/],
    ['weak-primes.json', /no key file of a known form/],
  ];
  for (const [name, reason] of cases) {
    await read(page, name);
    await expect(page.getByRole('alert').getByText(reason)).toBeVisible(SLOW);
  }
  await picture(page, 'wallet-keys-refused');
  const hostile = JSON.parse(readFileSync(path.join(FILES, 'web3-scrypt-cheap.json'), 'utf8'));
  hostile.crypto.kdfparams.n = 1 << 20;
  await read(page, { name: 'hostile.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(hostile)) });
  await expect(page.getByText('needs 1073741824 bytes of memory')).toBeVisible();
  // The published key is named as such.
  const known = Buffer.from('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n');
  await read(page, { name: 'known.txt', mimeType: 'text/plain', buffer: known });
  await expect(page.getByText('This key is PUBLIC')).toBeVisible(SLOW);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('/wallet/keys shows what it needs', async ({ page }) => {
    await page.goto('/wallet/keys');
    await expect(page.getByText(/needs JavaScript and WebAssembly/)).toBeVisible();
  });
});
