// A receipt with the proof of its chain: downloaded from a node, verified from the genesis id on the page and in the exported
// verify.html, which is opened from a disk.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from '@playwright/test';

import { expectAccessible } from '../support/accessible';
import { binary } from '../support/node';
import { ensurePayment } from '../support/payment';
import { expect, open, test, type Page, type TallyNode } from '../support/test';
import { picture } from '../support/wallet';

const SLOW = { timeout: 60_000 };

function marks(page: Page) {
  return page.locator('.verify-lines .mark-word');
}

/** The receipt of a transaction as its page offers it. */
async function downloaded(browser: Browser, node: TallyNode): Promise<Buffer> {
  await ensurePayment(browser, node);
  const page = await browser.newPage({ baseURL: node.url });
  const { items } = await node.api('transactions?limit=1');
  await open(page, `/tx/${items[0].id}`);
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'With the proof of the chain' }).click();
  const file = await coming;
  expect(file.suggestedFilename()).toBe(`receipt-${items[0].id}-from-genesis.json`);
  const receipt = readFileSync(await file.path());
  await page.close();
  return receipt;
}

const asFile = (receipt: string | Buffer) => ({
  name: 'receipt.json',
  mimeType: 'application/json',
  buffer: Buffer.from(receipt),
});

/** The receipt with the last digit of a text changed. */
function changed(receipt: Buffer, change: (value: any) => void): string {
  const value = JSON.parse(receipt.toString());
  change(value);
  return JSON.stringify(value);
}

const flipped = (hex: string) => hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0');

test('a receipt is verified from the genesis id, by the proof that it carries @phone', async ({ browser, node }) => {
  test.setTimeout(240_000);
  const receipt = await downloaded(browser, node);
  const { version, genesis } = JSON.parse(receipt.toString());
  expect(version).toBe(2);

  const elsewhere = await browser.newContext({ baseURL: node.url });
  const page = await elsewhere.newPage();
  await open(page, '/receipt');
  await page.getByLabel('Receipt file').setInputFiles(asFile(receipt));
  await expect(page.getByText('It carries the proof of its chain')).toBeVisible();
  const trusted = page.getByLabel('Block id that you trust');
  // Offered, and marked: this genesis id came with the page.
  await expect(trusted).toHaveValue(genesis);
  await expect(page.getByText('Filled in as told by the node')).toBeVisible();
  await expect(marks(page)).toHaveText(Array(6).fill('not checked yet'));
  // The worker is there, and needs no network.
  await expect(page.locator('.seal-verified')).toBeAttached(SLOW);
  await elsewhere.setOffline(true);
  await page.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(page)).toHaveText([...Array(5).fill('verified here'), 'as told by the node'], SLOW);
  await trusted.fill(`${genesis} `);
  await expect(marks(page)).toHaveText(Array(6).fill('not checked yet'));
  await page.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(page)).toHaveText(Array(6).fill('verified here'), SLOW);
  await expect(page.getByText('The chain, from genesis on')).toBeVisible();
  await expect(page.getByText('Taken on trust')).toBeVisible();
  await picture(page, 'receipt-from-genesis');
  await expectAccessible(page, 'a receipt that holds from genesis');

  // A damaged proof: what stands before it holds, and nothing is shown of the transaction.
  const damaged = changed(receipt, (value) => (value.chain.proof = flipped(value.chain.proof)));
  await page.getByLabel('Receipt file').setInputFiles(asFile(damaged));
  await page.getByRole('button', { name: 'Check it' }).click();
  await expect(marks(page)).toHaveText([...Array(5).fill('verified here'), 'does not hold'], SLOW);
  await expect(page.locator('.verify-lines')).toContainText('chain.proof: rule');
  await expect(page.getByText('What the receipt shows')).toHaveCount(0);
  // A version that does not fit its fields is not read.
  await page.getByLabel('Receipt file').setInputFiles(asFile(changed(receipt, (value) => (value.version = 1))));
  await expect(page.getByText('field chain is not one of version 1')).toBeVisible();
  await elsewhere.close();
});

test('of two receipts the one that was chosen or typed later counts', async ({ browser, node, page }) => {
  const receipt = await downloaded(browser, node);
  // A file called late.json is read when the test lets it.
  await page.addInitScript(() => {
    const read = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = async function (this: Blob) {
      if ((this as File).name === 'late.json') await new Promise<void>((done) => ((window as any).release = done));
      return read.call(this);
    };
  });
  await open(page, '/receipt');
  const choose = (name: string, content: string | Buffer) =>
    page.getByLabel('Receipt file').setInputFiles({ ...asFile(content), name });
  const release = () => page.evaluate(() => ((window as any).release(), new Promise((done) => setTimeout(done))));
  const rejected = page.getByText('This could not be read');
  await choose('late.json', 'no receipt');
  await choose('receipt.json', receipt);
  await expect(page.getByText('It leads to block')).toBeVisible();
  await release();
  await expect(rejected).toHaveCount(0);
  await expect(page.getByText('It leads to block')).toBeVisible();

  await choose('late.json', receipt);
  await expect(page.getByText('It leads to block')).toHaveCount(0);
  await page.getByText('Paste it instead').click();
  await page.getByLabel('Text of the receipt').fill('no receipt');
  await expect(rejected).toBeVisible();
  await release();
  await expect(page.getByText('It leads to block')).toHaveCount(0);
  await expect(rejected).toBeVisible();
});

test('the exported verifier gives a verdict on one thing, the one that was chosen last', async ({ browser, node }) => {
  test.setTimeout(240_000);
  const receipt = await downloaded(browser, node);
  const { genesis, chain } = JSON.parse(receipt.toString());
  const folder = mkdtempSync(join(tmpdir(), 'tally-verify-'));
  try {
    const path = join(folder, 'verify.html');
    execFileSync(binary, ['light', 'export', '--out', path]);
    const elsewhere = await browser.newContext();
    const page = await elsewhere.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    // The module is compiled, and a file called late.json cannot be read, when the test lets that happen.
    await page.addInitScript(() => {
      const held = window as any;
      const compile = WebAssembly.compile;
      WebAssembly.compile = async (bytes) => {
        await new Promise<void>((done) => (held.prepare = done));
        return compile(bytes);
      };
      const read = Blob.prototype.arrayBuffer;
      Blob.prototype.arrayBuffer = async function (this: Blob) {
        if ((this as File).name !== 'late.json') return read.call(this);
        await new Promise<void>((done) => (held.release = done));
        throw new Error('it was moved');
      };
    });
    await page.goto(pathToFileURL(path).href);
    const [verdict, chosen, button] = [page.getByRole('status'), page.locator('#chosen li'), page.getByRole('button', { name: 'Verify' })];
    const choose = (...of: [string, string | Buffer][]) =>
      page.getByLabel('Files').setInputFiles(of.map(([name, content]) => ({ ...asFile(content), name })));

    // Before the verifier is there.
    await choose(['receipt.json', receipt]);
    await expect(verdict).toContainText('Reading');
    await page.getByLabel('Id that you trust').fill(genesis);
    await expect(button).toBeDisabled();
    await page.evaluate(() => (window as any).prepare());
    await expect(chosen).toHaveText([/^receipt\.json: receipt, /]);
    await button.click();
    await expect(verdict).toHaveClass('verdict holds', SLOW);

    // An older choice that cannot be read says nothing about the newer one.
    await choose(['late.json', receipt]);
    await expect(verdict).toContainText('Reading');
    await choose(['receipt.json', receipt]);
    await expect(chosen).toHaveCount(1);
    await button.click();
    await expect(verdict).toHaveClass('verdict holds', SLOW);
    await page.evaluate(() => ((window as any).release(), new Promise((done) => setTimeout(done))));
    await expect(verdict).toHaveClass('verdict holds');
    await choose(['late.json', receipt]);
    await expect(verdict).toContainText('Reading');
    await page.evaluate(() => (window as any).release());
    await expect(verdict).toContainText('late.json could not be read: it was moved');

    // Two things to verify have no verdict: it would be about one of them.
    const forged = changed(receipt, (value) => (value.envelope = flipped(value.envelope)));
    await choose(['forged.json', forged], ['true.json', receipt]);
    await expect(verdict).toHaveClass('verdict unreadable');
    await expect(verdict).toContainText('forged.json (receipt), true.json (receipt)');
    await expect(button).toBeDisabled();
    const spec = JSON.stringify(chain.spec);
    await choose(['one.json', spec], ['receipt.json', receipt], ['two.json', spec]);
    await expect(verdict).toContainText('one.json (chain spec), two.json (chain spec)');
    await expect(chosen).toHaveCount(0);
    expect(errors).toEqual([]);
    await elsewhere.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the exported verifier works from a disk, and makes no request @phone', async ({ browser, node }) => {
  test.setTimeout(240_000);
  const receipt = await downloaded(browser, node);
  const { genesis, tip, chain } = JSON.parse(receipt.toString());
  const folder = mkdtempSync(join(tmpdir(), 'tally-verify-'));
  try {
    const file = join(folder, 'verify.html');
    const printed = execFileSync(binary, ['light', 'export', '--out', file], { encoding: 'utf8' });
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(printed).toContain(`SHA-256 ${sha256}`);

    const elsewhere = await browser.newContext();
    const page = await elsewhere.newPage();
    const [requests, errors]: [string[], string[]] = [[], []];
    page.on('request', (request) => requests.push(request.url()));
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
    const address = pathToFileURL(file).href;
    await page.goto(address);
    const verdict = page.getByRole('status');
    await expect(verdict).toContainText('Nothing was verified yet', SLOW);
    await expect(page.getByRole('button', { name: 'Verify' })).toBeDisabled();
    await expectAccessible(page, 'verify.html, empty');

    const verify = async (content: string | Buffer, id: string) => {
      await page.getByLabel('Files').setInputFiles(asFile(content));
      await page.getByLabel('Id that you trust').fill(id);
      await page.getByRole('button', { name: 'Verify' }).click();
    };
    await verify(receipt, genesis);
    await expect(verdict).toHaveClass('verdict holds', SLOW);
    await expect(verdict).toContainText('It holds');
    await expect(page.getByText('all headers: work, time and link')).toBeVisible();
    await picture(page, 'verify-holds');
    await expectAccessible(page, 'verify.html, a receipt that holds');
    await page.getByLabel('Id that you trust').fill('');
    await expect(verdict, 'a verdict is about what was there').toContainText('Nothing was verified yet');
    await page.getByRole('button', { name: 'Verify' }).click();
    await expect(verdict).toHaveClass('verdict open');

    // Forged: rule and field are named, and nothing of the file is shown.
    const forgeries: [string, (value: any) => void, string | RegExp][] = [
      ['a damaged proof', (value) => (value.chain.proof = flipped(value.chain.proof)), 'chain.proof: '],
      ['another envelope', (value) => (value.envelope = flipped(value.envelope)), /Rule (P2, envelope|P3, transaction_path): /], // by what the byte meant
      ['a path that leads elsewhere', (value) => (value.receipt_path.count += 1), 'Rule P4, receipt_path: '],
      ['another spec', (value) => (value.chain.spec.symbol = 'X'), 'Rule C3, chain.spec: '],
    ];
    for (const [what, change, why] of forgeries) {
      await verify(changed(receipt, change), genesis);
      await expect(verdict, what).toHaveClass('verdict false');
      await expect(verdict, what).toContainText(why);
      await expect(page.getByText('What it shows')).toHaveCount(0);
    }
    await picture(page, 'verify-false');
    await expectAccessible(page, 'verify.html, a receipt that does not hold');
    const tipId = createHash('sha256')
      .update(createHash('sha256').update(Buffer.from(tip.header.slice(2), 'hex')).digest())
      .digest()
      .reverse()
      .toString('hex');
    await verify(receipt, tipId);
    await expect(verdict).toHaveClass('verdict holds');
    await expect(page.getByText('all headers: work, time and link')).toHaveCount(0);

    // The proof alone, with the spec beside it; pasted markup stays text.
    await page.getByLabel('Files').setInputFiles([
      { name: 'chain.proof', mimeType: 'application/octet-stream', buffer: Buffer.from(chain.proof.slice(2), 'hex') },
      { name: 'spec.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(chain.spec)) },
    ]);
    await page.getByLabel('Id that you trust').fill(genesis);
    await page.getByRole('button', { name: 'Verify' }).click();
    await expect(verdict).toHaveClass('verdict holds');
    await page.getByText('Paste it instead').click();
    await page.getByLabel('Text of a receipt').fill('{"format":"<img src=x onerror=alert(1)>","version":2}');
    await page.getByRole('button', { name: 'Verify' }).click();
    await expect(verdict, 'a verdict is about one thing').toHaveClass('verdict unreadable');
    await expect(verdict).toContainText('a file and a pasted text');
    await page.getByLabel('Files').setInputFiles([]);
    await page.getByRole('button', { name: 'Verify' }).click();
    await expect(verdict).toHaveClass('verdict unreadable');
    await expect(verdict.locator('img')).toHaveCount(0);
    await page.getByRole('button', { name: 'Begin anew' }).click();
    await expect(verdict).toContainText('Nothing was verified yet');

    expect(requests.filter((url) => url !== address), 'no request but for the page itself').toEqual([]);
    expect(errors).toEqual([]);
    // The policy allows none either.
    const fetched = await page.evaluate((url) => fetch(url).then(() => 'sent', () => 'blocked'), node.url);
    expect(fetched).toBe('blocked');
    await elsewhere.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
