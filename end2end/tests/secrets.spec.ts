// No secret leaves the wallet's worker: over the main flows every request, console line, stored record, page and log is
// searched for phrase, password, seed and private keys, in whatever form.
import { primesOf } from '../support/secrets';
import { expect, expectKeptSecret, hydrated, open, test, type Page, type TallyNode } from '../support/test';
import { addressOf, card, checkBack, choosePassword, createWallet, opened, secretsOf, shownPhrase, unlock } from '../support/wallet';

const FRIEND = '0x52908400098527886E0F7030069857D2E4169EE7';
/** What stands before the modulus in the public key of RSA-2048 (rule A4). */
const SPKI = '30820122300d06092a864886f70d01010105000382010f003082010a0282010100';

/** The modulus of the RSA account that signed a transaction. */
async function modulusOf(node: TallyNode, id: string): Promise<bigint> {
  const raw = (await node.api(`transactions/${id}`)).raw as string;
  const at = raw.indexOf(SPKI) + SPKI.length;
  return BigInt(`0x${raw.slice(at, at + 512)}`);
}

async function pay(page: Page, from: string): Promise<string> {
  await page.getByRole('navigation', { name: 'Main' }).locator('a[href="/wallet"]').click();
  await card(page, from).getByRole('link', { name: 'Send' }).click();
  await page.getByLabel('To', { exact: true }).fill(FRIEND);
  await page.getByLabel(/^Amount in/).fill('1');
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Sign and send' }).click();
  const link = page.locator('.follow-links a[href^="/tx/"]');
  await expect(link).toBeVisible();
  return ((await link.getAttribute('href')) ?? '').replace('/tx/', '');
}

test('create, pay, lock, unlock, fail, remove: nothing leaves the worker', async ({ page, guard, node }) => {
  test.setTimeout(240_000);
  const where = { guard, page, node };
  const words = await createWallet(page);
  const secrets = secretsOf(words);
  await expectKeptSecret(secrets, where);

  await page.getByRole('button', { name: 'Get test coins' }).click();
  await expect(card(page, 'RSA account').locator('.amount')).toContainText('100', { timeout: 60_000 });
  const id = await pay(page, 'RSA account');
  await expect(page.locator('.follow-line')).toContainText('confirmation', { timeout: 60_000 });
  const n = await modulusOf(node, id);
  expect(n.toString(2).length).toBe(2048);
  const all = [...secrets, primesOf('a prime of the RSA key', n)];
  await expectKeptSecret(all, where);

  // A second key, a lock, a wrong password, the right one, the settings: every page that knows of the wallet.
  await page.getByRole('navigation', { name: 'Main' }).locator('a[href="/wallet"]').click();
  await page.getByRole('button', { name: 'Add a secp256k1 account' }).click();
  await expect(card(page, 'ECC account 2')).toBeVisible();
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await unlock(page, 'not the password at all');
  await expect(page.getByText('The password is wrong.')).toBeVisible();
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  await expectKeptSecret([...all, 'not the password at all'], where);
  await unlock(page);
  await opened(page);
  for (const path of ['/wallet/receive', '/wallet/history']) {
    await page.locator(`nav a[href="${path}"]`).first().click();
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expectKeptSecret(all, where);
  }
  await page.goto('/settings');
  await hydrated(page);
  await expectKeptSecret(all, where);

  // Removed: not even the encrypted vault stays.
  await page.goto('/wallet');
  await hydrated(page);
  await unlock(page);
  await opened(page);
  await page.getByRole('button', { name: 'Remove this wallet from the browser' }).click();
  await page.getByRole('dialog').getByRole('checkbox').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
  await expectKeptSecret(all, where);
  const left = await page.evaluate(() => ({ sent: Object.keys(localStorage).filter((key) => key.startsWith('tally.sent')) }));
  expect(left.sent).toEqual([]);
});

test('a phrase leaves the page with its step, typed or shown, right or wrong', async ({ page, guard, node }) => {
  const where = { guard, page, node };
  await open(page, '/wallet/create');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const words = await shownPhrase(page);
  const secrets = secretsOf(words);
  await expect(expectKeptSecret(secrets, where)).rejects.toThrow('left on the page'); // it is being shown
  await page.getByRole('button', { name: 'I have written them down' }).click();
  await checkBack(page, words);
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible();
  await expectKeptSecret(secrets, where);

  // Left in the middle: the words are gone.
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill(words.join(' '));
  await page.getByRole('link', { name: 'I have none' }).click();
  await expect(page.getByRole('button', { name: 'Make the phrase' })).toBeVisible();
  await expectKeptSecret(secrets, where);
  await page.goBack();
  await hydrated(page);
  await expect(page.getByLabel('Recovery phrase')).toHaveValue('');

  // Restored with it: gone from the field, and the same account is there.
  await page.getByLabel('Recovery phrase').fill(words.join(' '));
  await page.getByRole('button', { name: 'Go on' }).click();
  await choosePassword(page);
  await opened(page);
  expect(await addressOf(page, 'ECC account')).toMatch(/^0x/);
  await expectKeptSecret(secrets, where);
});

/** Sends a request to the wallet's worker as the page does, beside the page's own. The outcome. */
async function requestWorker(page: Page, request: object): Promise<unknown> {
  return page.evaluate(
    (request) =>
      new Promise((done) => {
        const worker = (window as any).walletWorker as Worker;
        const number = 4_000_000_000; // the page counts from 1
        const listen = ({ data }: MessageEvent) => {
          if (data?.Answer?.number !== number) return;
          worker.removeEventListener('message', listen);
          done(data.Answer.outcome);
        };
        worker.addEventListener('message', listen);
        worker.postMessage({ Request: { number, request } });
      }),
    request,
  );
}

test('a phrase that became no wallet is gone from the worker once its pages are left', async ({ page }) => {
  await page.addInitScript(() => {
    window.Worker = class extends window.Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        if (options?.name === 'tally-wallet') (window as any).walletWorker = this;
      }
    };
  });
  const make = async () => {
    await page.getByRole('button', { name: 'Make the phrase' }).click();
    return shownPhrase(page);
  };
  // The worker compares words with the phrase that it has; without one there is nothing to compare.
  const check = (words: string[]) => requestWorker(page, { CheckWords: { words: words.map((word, place) => [place + 1, word]) } });
  const held = { Ok: 'Done' };
  const gone = { Err: 'PhraseNotChecked' };
  // Within the page, so that the worker lives on.
  const leave = () => page.getByRole('navigation', { name: 'Main' }).locator('a[href="/wallet"]').click();

  // Left after the words were written down.
  await open(page, '/wallet/create');
  const words = await make();
  await page.getByRole('button', { name: 'I have written them down' }).click();
  expect(await check(words)).toEqual(held);
  await leave();
  await expect.poll(() => check(words)).toEqual(gone);

  // Begun again.
  await page.getByRole('link', { name: 'Create a wallet' }).click();
  const others = await make();
  expect(await check(others)).toEqual(held);
  await page.getByRole('button', { name: 'Start again' }).click();
  await expect.poll(() => check(others)).toEqual(gone);
  await leave();

  // Typed, and left before the password.
  await page.getByRole('link', { name: 'Restore from a phrase or a file' }).click();
  await page.getByLabel('Recovery phrase').fill(words.join(' '));
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible();
  expect(await check(words)).toEqual(held);
  await leave();
  await expect.poll(() => check(words)).toEqual(gone);

  // A wallet can be made all the same.
  await createWallet(page);
});

test('a copied phrase is warned of, and wiped from the clipboard', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.clock.install();
  await open(page, '/wallet/create');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const list = page.getByRole('list', { name: 'Recovery phrase' });
  const words = await shownPhrase(page);
  const copy = async () => {
    await list.evaluate((element) => getSelection()?.selectAllChildren(element));
    await page.keyboard.press('Control+C');
    await expect(page.getByText('The phrase is on the clipboard')).toBeVisible();
  };
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await copy();
  expect((await clipboard()).split(/\s+/).filter(Boolean)).toEqual(words);
  await page.clock.fastForward('01:01');
  await expect.poll(clipboard).toBe('');
  await expect(page.getByText('The phrase was wiped from the clipboard')).toBeVisible();

  // What another program put there meanwhile stays.
  await copy();
  await page.evaluate(() => navigator.clipboard.writeText('a shopping list'));
  await page.clock.fastForward('01:01');
  await page.clock.runFor(1_000);
  expect(await clipboard()).toBe('a shopping list');
});
