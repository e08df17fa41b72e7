// The audit of a tab: it executes the chain, reports what `tally audit --json` reports, and marks nothing of a chain that is damaged.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { Download } from '@playwright/test';

import { expectAccessible } from '../support/accessible';
import { give } from '../support/coins';
import { FalseNode } from '../support/false-node';
import { Guard } from '../support/guard';
import { binary, pacedChain } from '../support/node';
import { ensurePayment } from '../support/payment';
import { expect, open, TallyNode, test, type Page } from '../support/test';
import { picture } from '../support/wallet';

const seal = (page: Page) => page.locator('#seal');
const panel = (page: Page) => page.getByRole('dialog', { name: 'What this tab has verified' });
const button = (page: Page, name: string) => panel(page).getByRole('button', { name, exact: true });

async function saved(download: Promise<Download>): Promise<any> {
  return JSON.parse(readFileSync((await (await download).path())!, 'utf8'));
}

/** A node without new blocks, whose chain has payments of both kinds of keys. */
async function paid(browser: any): Promise<{ node: TallyNode; dataDir: string }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tally-audit-'));
  const node = await TallyNode.start({ dataDir });
  // From a PUBLIC account with RSA to a newcomer, and from one with secp256k1.
  await ensurePayment(browser, node);
  await give(node, '0x00000000000000000000000000000000000000aa', '3');
  await node.mine(false);
  return { node, dataDir };
}

test('@phone an audit executes every block, and its report is that of tally audit', async ({ browser }) => {
  const { node, dataDir } = await paid(browser);
  const page = await browser.newPage({ baseURL: node.url });
  try {
    await open(page, '/blocks');
    await expect(seal(page)).toContainText('Verified from genesis');
    await seal(page).focus();
    await page.keyboard.press('Enter');
    await button(page, 'Audit').focus();
    await page.keyboard.press('Enter');
    await expect(panel(page)).toContainText('Every block was executed, every signature checked');
    await expect(panel(page)).toContainText('Executed');
    await expectAccessible(page, 'the panel of a finished audit');
    await picture(page, 'audit-executed');
    const download = page.waitForEvent('download');
    await button(page, 'Save the report').click();
    const report = await saved(download);
    expect(report.faults).toEqual([]);
    expect(report.level).toBe('executed');
    // Closing the panel loses nothing.
    await page.keyboard.press('Escape');
    await seal(page).click();
    await expect(panel(page)).toContainText('Every block was executed, every signature checked');
    await page.close();
    await node.stop();
    const printed = execFileSync(binary, ['audit', '--json', '--chain', pacedChain, '--data-dir', dataDir], { encoding: 'utf8' });
    const { seconds: _, ...expected } = JSON.parse(printed);
    const { seconds: __, ...found } = report;
    expect(found).toEqual(expected);
    expect(found.transactions).toBeGreaterThanOrEqual(2);
  } finally {
    await node.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test.describe('a dishonest node', () => {
  let proxy: FalseNode;
  let guard: Guard;
  let page: Page;

  test.beforeEach(async ({ browser, node }) => {
    proxy = await FalseNode.before(node.url);
    page = await browser.newPage({ baseURL: proxy.url });
    guard = new Guard(page.context(), proxy.url);
  });

  test.afterEach(async () => {
    const faults = [...guard.faults];
    await page.close();
    await proxy.stop();
    expect(faults, 'nothing on the pages went wrong').toEqual([]);
  });

  async function audit() {
    await open(page, '/block/3');
    await expect(seal(page)).toContainText('Verified from genesis');
    await seal(page).click();
    await button(page, 'Audit').click();
  }

  test('a block of which one byte is another is a fault, with its rule, its height and the bytes', async () => {
    proxy.bytes.push([
      '/api/v1/light/blocks',
      (bytes) => {
        // The last byte of the manifest root in the header of the first block: a list's head, the string's head, then 80 bytes.
        const header = 4 + 3 + 1;
        bytes[header + 67]! ^= 1;
        return bytes;
      },
    ]);
    await audit();
    await expect(panel(page)).toContainText('The audit found a fault');
    await expect(panel(page)).toContainText(/It breaks rule (H5|B2), block 1: /);
    await expect(seal(page)).toContainText('Does not hold');
    const download = page.waitForEvent('download');
    await button(page, 'Save what was found').click();
    const evidence = await saved(download);
    expect(evidence).toMatchObject({ format: 'tally-audit-evidence', version: 1, height: 1 });
    expect(evidence.block).toMatch(/^0x[0-9a-f]{200,}$/);
    expect(evidence.report.first_fault.height).toBe(1);
    await picture(page, 'audit-fault');
    await page.keyboard.press('Escape');
    const marks = page.locator('.verify-lines .mark');
    await expect(marks.filter({ hasText: 'verified here' })).toHaveCount(0);
    await expect(marks.nth(1)).toContainText('the audit of this tab found a fault');
  });

  test('bytes that are no blocks end an audit, and nothing is known by it', async () => {
    proxy.bytes.push(['/api/v1/light/blocks', (bytes) => bytes.subarray(0, 20)]);
    await audit();
    await expect(panel(page)).toContainText('The audit could not go on');
    await expect(seal(page)).toContainText('Verified from genesis');
  });

  test('an audit without a verified tip says that its last block is the claim of the node', async () => {
    proxy.bytes.push(['/api/v1/light/chain', (bytes) => bytes.subarray(0, 20)]);
    await open(page, '/blocks');
    await expect(seal(page)).toContainText('Does not hold');
    await seal(page).click();
    await button(page, 'Audit').click();
    await expect(panel(page)).toContainText('Every block was executed, every signature checked');
    await expect(panel(page)).toContainText("That this block is the newest of the chain is as told by the node");
    await page.keyboard.press('Escape');
    await expect(seal(page)).toContainText('Does not hold');
  });

  test('helpers that never answer, and those that end, cost time and nothing else', async ({ browser, node }) => {
    test.setTimeout(180_000);
    // There are signatures to hand out.
    await ensurePayment(browser, node);
    for (const answers of ['', "setTimeout(() => { throw new Error('ended'); });"]) {
      if (answers) guard.allow(/ended/);
      proxy.scripts.splice(0, 1, ['/audit-helper.js', `postMessage(null); onmessage = () => { ${answers} };`]);
      await open(page, '/blocks');
      await expect(seal(page)).toContainText('Verified from genesis');
      await seal(page).click();
      await button(page, 'Audit').click();
      await expect(panel(page)).toContainText('Every block was executed, every signature checked', { timeout: 90_000 });
    }
  });

  test('an audit waits for a node that answers late, is paused, goes on and is stopped', async () => {
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    proxy.bytes.push(['/api/v1/light/blocks', async (bytes) => (await held, bytes)]);
    await audit();
    await expect(panel(page)).toContainText(/0 of \d+ blocks, 0 transactions/);
    await button(page, 'Pause').click();
    release();
    await expect(panel(page)).toContainText('Paused');
    await button(page, 'Resume').click();
    await expect(panel(page)).toContainText('Every block was executed');
    await button(page, 'Audit again').click();
    await expect(panel(page)).toContainText('Every block was executed');
  });
});

// WebCrypto behind our own rules gives the verdicts of the corpora.
test('the helpers give every verdict of the corpora', async ({ page, node }) => {
  const folder = process.env.TALLY_CORPORA ?? resolve(__dirname, '..', '..', '..', 'shared', 'corpora');
  const corpus = JSON.parse(readFileSync(join(folder, 'wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json'), 'utf8'));
  await open(page, '/blocks');
  const cases = corpus.testGroups.flatMap((group: any) =>
    group.tests
      .filter((one: any) => one.sig.length === 512)
      .map((one: any) => ({ key: group.publicKeyDer, msg: one.msg, sig: one.sig, id: one.tcId, valid: one.result === 'valid' })),
  );
  expect(cases.length).toBeGreaterThan(20);
  const wrong = await page.evaluate(async (cases: { key: string; msg: string; sig: string; id: number; valid: boolean }[]) => {
    const own = document.querySelector("link[rel=modulepreload][href$='/tally.js']")!.getAttribute('href')!;
    const worker = new Worker(own.replace('tally.js', 'audit-helper.js'), { type: 'module' });
    const next = () => new Promise<any>((done) => (worker.onmessage = ({ data }) => done(data)));
    await next();
    const bytes = (hex: string) => (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
    const field = (hex: string) => {
      const content = bytes(hex);
      return [content.length >>> 24, (content.length >>> 16) & 255, (content.length >>> 8) & 255, content.length & 255, ...content];
    };
    const wrong: number[] = [];
    for (const { key, msg, sig, id, valid } of cases) {
      const claim = Uint8Array.from([1, ...field(key), ...field(msg), ...field(sig)]);
      const reply = next();
      worker.postMessage([id, claim], [claim.buffer]);
      const [, verdict] = await reply;
      if (Boolean(verdict[0]) !== valid) wrong.push(id);
    }
    worker.terminate();
    return wrong;
  }, cases);
  expect(wrong).toEqual([]);
  expect(Number((await node.api('status')).height)).toBeGreaterThan(0);
});
