// Steps of a user at the wallet.
import { createHmac, createECDH, pbkdf2Sync } from 'node:crypto';

import { pictures } from './pictures';
import { bytes, keyFiles, phrase, text, type Secret } from './secrets';
import { expect, open, type Page } from './test';

/** What the tests protect their wallets with. */
export const PASSWORD = 'harbour violin seventeen';

/** A picture of the page as it stands, when SCREENSHOTS=1 is set. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS) await pictures(page, name);
}

/** Makes a wallet as a newcomer would, on the wallet's page at this path. The words of its phrase. */
export async function createWallet(page: Page, count: 12 | 24 = 12, path = '/wallet'): Promise<string[]> {
  await open(page, path);
  await page.getByRole('link', { name: 'Create a wallet' }).click();
  await page.getByRole('radio', { name: `${count} words` }).check();
  await picture(page, 'wallet-create-choose');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const words = await shownPhrase(page, count);
  await picture(page, 'wallet-create-write');
  await page.getByRole('button', { name: 'I have written them down' }).click();
  await checkBack(page, words);
  await choosePassword(page);
  await opened(page);
  return words;
}

/** The words of the phrase that is shown, once all of them are: what a list holds now may be nothing yet. */
export async function shownPhrase(page: Page, count = 12): Promise<string[]> {
  const words = page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem');
  await expect(words).toHaveCount(count);
  return words.allTextContents();
}

/** Types the wanted words back. */
export async function checkBack(page: Page, words: string[]): Promise<void> {
  const fields = page.getByLabel(/^Word \d+$/);
  await expect(fields).toHaveCount(3);
  for (const field of await fields.all()) {
    const position = Number((await field.getAttribute('name'))?.replace('word-', ''));
    await field.fill(words[position - 1] ?? '');
  }
  await picture(page, 'wallet-create-check');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
}

/** The password, twice, and the wallet is made. */
export async function choosePassword(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('The same again').fill(password);
  await picture(page, 'wallet-create-protect');
  await page.getByRole('button', { name: 'Create the wallet' }).click();
}

/** Waits until the accounts are shown. */
export async function opened(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { name: 'Accounts', exact: true })).toBeVisible({ timeout: 60_000 });
}

export async function unlock(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

/** The card of an account on the wallet's page, by its label. */
export function card(page: Page, label: string) {
  return page.locator('.wallet-account').filter({ has: page.getByText(label, { exact: true }) });
}

/** Opens what can be done with an account, once its balance is there: until then the cards may move. */
export async function manage(page: Page, label: string): Promise<void> {
  await expect(card(page, label).locator('.wallet-balance .amount')).toBeVisible();
  await card(page, label).getByText('Manage', { exact: true }).click();
}

/** The address of an account. */
export async function addressOf(page: Page, label: string): Promise<string> {
  const href = await card(page, label).locator('a[href*="/account/"]').getAttribute('href');
  return href?.replace(/^.*\/account\//, '') ?? '';
}

/** Base units as the wallet writes them: whole coins grouped, decimals without trailing zeros. */
export function coins(units: bigint): string {
  const digits = units.toString().padStart(19, '0');
  const whole = digits.slice(0, -18).replace(/\B(?=(\d{3})+$)/g, ',');
  const fraction = digits.slice(-18).replace(/0+$/, '');
  return fraction ? `${whole}.${fraction}` : whole;
}

/** What must never leave the worker: the phrase, its seed, the password, the private keys of the first ECC accounts. */
export function secretsOf(words: string[], password = PASSWORD): Secret[] {
  const seed = pbkdf2Sync(words.join(' '), 'mnemonic', 2048, 64, 'sha512');
  const master = createHmac('sha512', 'Bitcoin seed').update(seed).digest();
  const keys = [0, 1, 2].map((index) => derive(seed, [44 + HARD, 60 + HARD, HARD, 0, index]));
  return [
    ...phrase('the phrase', words),
    text('the password', password),
    bytes('the seed', seed),
    bytes('the master key', master.subarray(0, 32)),
    ...keys.map((key, index) => bytes(`the private key of ECC account ${index}`, key)),
    keyFiles,
  ];
}

const HARD = 0x8000_0000;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** BIP-32 with nothing but what Node.js brings. */
function derive(seed: Buffer, path: number[]): Buffer {
  let both = createHmac('sha512', 'Bitcoin seed').update(seed).digest();
  let key = both.subarray(0, 32);
  for (const index of path) {
    const place = Buffer.alloc(4);
    place.writeUInt32BE(index);
    const data = index >= HARD ? Buffer.concat([Buffer.of(0), key, place]) : Buffer.concat([publicKey(key), place]);
    both = createHmac('sha512', both.subarray(32)).update(data).digest();
    const sum = (BigInt(`0x${both.subarray(0, 32).toString('hex')}`) + BigInt(`0x${key.toString('hex')}`)) % ORDER;
    key = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex');
  }
  return key;
}

function publicKey(key: Buffer): Buffer {
  const curve = createECDH('secp256k1');
  curve.setPrivateKey(key);
  return curve.getPublicKey(null, 'compressed');
}
