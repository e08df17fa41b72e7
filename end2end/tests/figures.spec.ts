// Not a test of anything but that it runs: how long the wallet's worker takes, for docs/benchmarks.md.
//   FIGURES=1 npx playwright test --project=figures
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { summary } from '../support/figures';
import { expect, open, test, type Page } from '../support/test';
import { PASSWORD, choosePassword, createWallet, opened, unlock } from '../support/wallet';

// As in the records so far.
test.use({ nativeMiner: true });

/** PUBLIC, so that everyone measures the same primes. */
const PUBLIC_PHRASE = 'test test test test test test test test test test test junk';
const KEYS = 17;
/** Accounts of the phrase that the chain knows, found after the restore: ten of secp256k1, one of RSA-2048. */
const FOUND = 11;
const SIGNATURES = 50;

interface Seen {
  what: string;
  ms: number;
}

/** Times every request to the wallet's worker, and lets the test send its own. */
async function listen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const own = window as unknown as { seen: Seen[]; draft: unknown; requestWorker: (request: unknown) => Promise<any> };
    own.seen = [];
    const waiting = new Map<number, { what: string; at: number; done?: (answer: unknown) => void }>();
    let number = 1_000_000;
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        if (options?.name !== 'tally-wallet') return;
        own.requestWorker = (request) => new Promise((done) => this.send(++number, request, done));
        this.addEventListener('message', ({ data }) => {
          const question = data?.Answer && waiting.get(data.Answer.number);
          if (!question) return;
          own.seen.push({ what: question.what, ms: performance.now() - question.at });
          question.done?.(data.Answer.outcome);
        });
      }
      send(as: number, request: unknown, done?: (answer: unknown) => void) {
        const what = typeof request === 'string' ? request : Object.keys(request as object)[0]!;
        if (what === 'Prepare') own.draft = (request as { Prepare: { draft: unknown } }).Prepare.draft;
        waiting.set(as, { what, at: performance.now(), done });
        super.postMessage({ Request: { number: as, request } });
      }
      override postMessage(message: any, options?: any) {
        if (message?.Request) this.send(message.Request.number, message.Request.request);
        else super.postMessage(message, options);
      }
    };
  });
}

/** Writes figures to build/NAME.json, and shows them. */
function keep(name: string, figures: object): void {
  const folder = resolve(__dirname, '..', '..', 'build');
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.json`, JSON.stringify(figures, null, 2));
  console.log(JSON.stringify(figures, null, 2));
}

test('figures of unlocking', async ({ page }) => {
  test.setTimeout(120_000);
  await listen(page);
  await createWallet(page);
  const accounts = page.locator('.wallet-account');
  for (const count of [3, 4]) {
    await page.getByRole('button', { name: 'Add an RSA-2048 account' }).click();
    await expect(accounts).toHaveCount(count, { timeout: 120_000 });
  }
  for (let turn = 0; turn < 10; turn++) {
    await page.getByRole('button', { name: 'Lock', exact: true }).click();
    await unlock(page);
    await opened(page);
  }
  const seen = await page.evaluate(() => (window as unknown as { seen: Seen[] }).seen);
  const times = seen.filter((one) => one.what === 'Unlock').map((one) => one.ms);
  keep('figures-unlock', { 'vault of 4 accounts unlocked (Argon2id 64 MiB)': summary(times) });
  expect(times.length).toBe(10);
});

test('figures of the wallet', async ({ page, browser }) => {
  test.setTimeout(600_000);
  await listen(page);
  await open(page, '/wallet/restore');
  await page.getByLabel('Recovery phrase').fill(PUBLIC_PHRASE);
  await page.getByRole('button', { name: 'Go on' }).click();
  await choosePassword(page, PASSWORD);
  await opened(page);

  // RSA-2048 at indexes 1 to KEYS - 1; index 0 came with the wallet.
  const accounts = page.locator('.wallet-account');
  await expect(accounts).toHaveCount(FOUND, { timeout: 120_000 });
  for (let count = FOUND + 1; count < FOUND + KEYS; count++) {
    await page.getByRole('button', { name: 'Add an RSA-2048 account' }).click();
    await expect(accounts).toHaveCount(count, { timeout: 120_000 });
  }

  // Signatures: one draft through the page, then the same again and again.
  for (const kind of ['RSA account', 'ECC account']) {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
    const option = page.locator('#from option', { hasText: new RegExp(`^${kind} \\(`) });
    await page.getByLabel('From').selectOption((await option.getAttribute('value'))!);
    await page.getByLabel('To', { exact: true }).fill('0x52908400098527886E0F7030069857D2E4169EE7');
    await page.getByLabel(/^Amount in/).fill('1');
    await page.getByRole('button', { name: 'Review' }).click();
    await expect(page.getByRole('button', { name: 'Sign and send' })).toBeVisible();
    await page.evaluate(
      async ([count, kind]) => {
        const own = window as any;
        for (let turn = 0; turn < Number(count); turn++) {
          const { Ok: prepared } = await own.requestWorker({ Prepare: { draft: own.draft } });
          const from = own.draft.from ?? own.draft.get('from');
          const began = own.seen.length;
          const signed = await own.requestWorker({ Sign: { from, payload: prepared.Prepared.payload } });
          if (!signed.Ok) throw new Error(JSON.stringify(signed));
          own.seen[began].what = `Sign, ${kind}`;
        }
      },
      [SIGNATURES, kind] as const,
    );
    await page.getByRole('button', { name: 'Back' }).click();
  }
  const seen = await page.evaluate(() => (window as unknown as { seen: Seen[] }).seen);

  // The browser's own cryptography, with a key that scripts cannot read.
  const native = await page.evaluate(async (count) => {
    const times: number[] = [];
    const made: number[] = [];
    const algorithm = { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
    let key: CryptoKeyPair | undefined;
    for (let turn = 0; turn < 15; turn++) {
      const began = performance.now();
      key = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
      made.push(performance.now() - began);
    }
    const message = new Uint8Array(200);
    for (let turn = 0; turn < count; turn++) {
      const began = performance.now();
      await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, key!.privateKey, message);
      times.push(performance.now() - began);
    }
    const curve = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'K-256' }, false, ['sign']).then(() => 'yes', (error) => String(error));
    return { made, times, curve };
  }, SIGNATURES);

  const of = (what: string) => seen.filter((one) => one.what === what).map((one) => one.ms);
  const figures = {
    browser: browser.version(),
    'RSA-2048 key, in the worker': summary(of('AddAccount')),
    'vault opened or made (Argon2id 64 MiB and first keys)': summary([...of('Create'), ...of('Unlock')]),
    'RSA-2048 signature, in the worker': summary(of('Sign, RSA account')),
    'secp256k1 signature, in the worker': summary(of('Sign, ECC account')),
    'RSA-2048 key, WebCrypto': summary(native.made),
    'RSA-2048 signature, WebCrypto': summary(native.times),
    'secp256k1 in WebCrypto': native.curve,
  };
  keep('figures', figures);
  expect(of('AddAccount').length).toBeGreaterThanOrEqual(15);
  expect(of('Sign, RSA account').length).toBe(SIGNATURES);
});
