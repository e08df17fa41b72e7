// Accounts of several people: made in one browser, taken up in another, signed in both and on the command line.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expectAccessible } from '../support/accessible';
import { give } from '../support/coins';
import { binary, pacedChain } from '../support/node';
import { expect, expectKeptSecret, hydrated, test, type Page } from '../support/test';
import { addressOf, createWallet, picture, secretsOf, unlock } from '../support/wallet';

const RECEIVER = '0x52908400098527886E0F7030069857D2E4169EE7';
const SLOW = { timeout: 60_000 };

async function sharedPage(page: Page): Promise<void> {
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Shared' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Shared accounts' })).toBeVisible();
}

/** The public key of an account in hex, as the page shows it for others. */
async function publicKey(page: Page, label: string): Promise<string> {
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Keys' }).click();
  const choice = page.getByLabel('Account', { exact: true }).last();
  const option = choice.locator('option', { hasText: label });
  await choice.selectOption((await option.getAttribute('value'))!);
  await page.getByRole('button', { name: 'Show the public key' }).click();
  return (await page.locator('.key-text').last().textContent())!.trim();
}

/** What is handed on. */
async function handedOn(page: Page): Promise<string> {
  return (await page.locator('.hand-on-text').first().textContent())!.trim();
}

/** A link that came in a message: it opens again, and the wallet has to be unlocked. */
async function follow(page: Page, link: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(link);
  await hydrated(page);
  await unlock(page);
}

async function propose(page: Page, amount: string, memo: string): Promise<void> {
  await page.getByLabel('To', { exact: true }).fill(RECEIVER);
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByLabel('Memo').fill(memo);
  await page.getByRole('button', { name: 'Write the proposal' }).click();
  await expect(page.getByRole('heading', { name: 'Signed by 0 of 2 needed' })).toBeVisible();
  const fact = (name: string) => page.locator('.fact').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');
  await expect(fact('To')).toHaveText(RECEIVER);
  await expect(fact('Pay')).toContainText(amount);
  await expect(fact('Memo')).toHaveText(memo);
}

async function sign(page: Page, count: number): Promise<void> {
  await page.getByRole('button', { name: 'Sign it' }).click();
  await expect(page.getByRole('heading', { name: `Signed by ${count} of 2 needed` })).toBeVisible();
}

test('two browsers and the command line sign for one account', async ({ page, browser, node, guard }) => {
  test.setTimeout(300_000);
  const words = await createWallet(page);
  const elsewhere = await browser.newContext({ baseURL: node.url });
  const bob = await elsewhere.newPage();
  await createWallet(bob);

  // Carol has no browser.
  const folder = mkdtempSync(join(tmpdir(), 'tally-carol-'));
  const carol = (...args: string[]) =>
    execFileSync(binary, ['wallet', ...args], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, TALLY_WALLET: join(folder, 'wallet.json'), TALLY_WALLET_PASSWORD: 'correct horse', TALLY_NODE: 'http://127.0.0.1:1' },
    });
  carol('new', '--chain', pacedChain);
  const carolsKey = JSON.parse(carol('list', '--json')).accounts[0].public_key as string;

  // Ann makes the account of an RSA key, an ECC key and Carol's RSA key, two of which sign.
  const bobsKey = await publicKey(bob, 'ECC account');
  await sharedPage(page);
  await picture(page, 'wallet-shared-empty');
  await expectAccessible(page, 'shared accounts, none yet');
  await page.getByLabel('Name', { exact: true }).fill('Club');
  await page.getByRole('group', { name: 'Add an own key' }).getByRole('button', { name: /^RSA account/ }).click();
  const keys = page.getByLabel('Public keys');
  await keys.fill(`${await keys.inputValue()}not a key\n`);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByRole('alert').getByText('A key cannot be used')).toBeVisible();
  await keys.fill((await keys.inputValue()).replace('not a key', `${bobsKey}\n${carolsKey}`));
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByText('The account was made')).toBeVisible();
  const club = await addressOf(page, 'Club');
  await page.getByRole('button', { name: 'Give it to the others' }).click();
  const account = await handedOn(page);
  expect(account).toMatch(/^tally-account-1\./);
  await give(node, club, '10');

  // Bob follows the link; the address bar forgets it, and the account is the same.
  await follow(bob, `/wallet/shared#account=${account}`);
  await expect(bob.getByLabel('Text of the account')).toHaveValue(account, SLOW);
  expect(bob.url()).toBe(`${node.url}/wallet/shared`);
  await bob.getByRole('button', { name: 'Take it up' }).click();
  await expect.poll(() => addressOf(bob, 'Club')).toBe(club);
  writeFileSync(join(folder, 'club.txt'), account);
  expect(carol('shared', 'import', 'club.txt')).toContain(club);

  const balance = async () => BigInt((await node.api(`accounts/${RECEIVER}`)).balance);
  const before = await balance();

  // Ann proposes and signs; Bob gets a link, signs, and sends.
  await propose(page, '1.5', 'roof');
  await sign(page, 1);
  await picture(page, 'wallet-shared-proposal');
  await expectAccessible(page, 'a proposal that one has signed');
  const first = await handedOn(page);
  await follow(bob, `/wallet/shared#proposal=${first}`);
  await expect(bob.getByRole('heading', { name: 'Signed by 1 of 2 needed' })).toBeVisible(SLOW);
  await sign(bob, 2);
  await bob.getByRole('button', { name: 'Send it' }).click();
  await expect(bob.locator('.follow-line')).toContainText('confirmation', SLOW);
  expect((await balance()) - before).toBe(1_500_000_000_000_000_000n);

  // The next one: Carol signs without a network, and Ann adds what came back.
  await page.getByRole('button', { name: 'Put it away' }).click();
  await propose(page, '2', 'windows');
  const second = await handedOn(page);
  writeFileSync(join(folder, 'proposal.txt'), second);
  carol('sign', '--offline', 'proposal.txt', '--yes', '--out', 'signed.txt');
  const copy = page.getByLabel('Text of the signed copy');
  await copy.fill(first);
  await page.getByRole('button', { name: 'Add its signatures' }).click();
  await expect(page.getByText('not of the same payment')).toBeVisible();
  await copy.fill(second.slice(0, -9));
  await page.getByRole('button', { name: 'Add its signatures' }).click();
  await expect(page.getByText('is damaged')).toBeVisible();
  await copy.fill(readFileSync(join(folder, 'signed.txt'), 'utf8'));
  await page.getByRole('button', { name: 'Add its signatures' }).click();
  await expect(page.getByRole('heading', { name: 'Signed by 1 of 2 needed' })).toBeVisible();
  await sign(page, 2);
  await page.getByRole('button', { name: 'Send it' }).click();
  await expect(page.locator('.follow-line')).toContainText('confirmation', SLOW);
  await picture(page, 'wallet-shared-sent');
  expect((await balance()) - before).toBe(3_500_000_000_000_000_000n);
  await expectKeptSecret(secretsOf(words), { guard, page, node });
  await elsewhere.close();
});
