// The light client of a tab: what the seal shows, and that no false chain of a node gets it.
import { createHash } from 'node:crypto';

import { expectAccessible } from '../support/accessible';
import { FalseNode } from '../support/false-node';
import { Guard } from '../support/guard';
import { expect, open, TallyNode, test, waitForHeight, type Page } from '../support/test';
import { picture } from '../support/wallet';

const seal = (page: Page) => page.locator('#seal');
const panel = (page: Page) => page.getByRole('dialog', { name: 'What this tab has verified' });
const marks = (page: Page) => page.locator('.verify-lines .mark');
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

/** The claim of a tip (rule F11) with another height in its manifest, which its header names. */
function withHeight(claim: Buffer, height: bigint): Buffer {
  const [header, weight, manifest] = [Buffer.from(claim.subarray(0, 80)), claim.subarray(80, 112), claim.subarray(114)];
  // A list of more than 55 and at most 512 bytes: its length stands in one byte or two.
  const head = manifest[0]! - 0xf7 + 1;
  const first = manifest[head]!;
  const rest = manifest.subarray(head + (first < 0x80 ? 1 : 1 + first - 0x80));
  const number = Buffer.from(height.toString(16).padStart(16, '0'), 'hex');
  const items = Buffer.concat([Buffer.from([0x88]), number, rest]);
  const length = items.length > 255 ? [0xf9, items.length >> 8, items.length & 255] : [0xf8, items.length];
  const changed = Buffer.concat([Buffer.from(length), items]);
  hash(hash(changed)).copy(header, 36);
  return Buffer.concat([header, weight, Buffer.from([changed.length >> 8, changed.length & 255]), changed]);
}

const bytesOf = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());

test.describe('an honest node', () => {
  test('the seal shows that the chain is verified, and its panel what that means', async ({ page, node, guard }) => {
    await waitForHeight(node, 5);
    await open(page, '/blocks');
    const box = () => seal(page).boundingBox();
    const before = await box();
    await expect(seal(page)).toContainText('Verified from genesis');
    await expect(seal(page)).toContainText(/\d+ blocks, newest \d+ s old/);
    const shown = async () => Number(/(\d+) blocks/.exec((await seal(page).textContent()) ?? '')?.[1]);
    const blocks = await shown();
    await expect.poll(shown, 'new blocks are followed').toBeGreaterThan(blocks);
    expect(await box(), 'it keeps its place and its width').toEqual(before);
    // The proof was read once, then headers.
    const paths = guard.sent.map(({ url }) => new URL(url).pathname + new URL(url).search).filter((path) => path.includes('/light/'));
    expect(paths.filter((path) => path.includes('/light/chain')).length).toBe(1);
    expect(paths.filter((path) => path.includes('/light/headers')).length).toBeGreaterThan(0);

    await seal(page).focus();
    await page.keyboard.press('Enter');
    await expect(panel(page)).toContainText('All headers');
    await expect(panel(page)).toContainText('Taken on trust');
    await expect(panel(page)).toContainText('That no chain has more total work than the one this node shows');
    await page.getByRole('button', { name: 'Pause live updates' }).evaluate((button: HTMLElement) => button.click());
    await expectAccessible(page, 'the panel of the seal');
    await picture(page, 'seal-panel');
    await page.keyboard.press('Escape');
    await expect(panel(page)).toBeHidden();
    await expect(seal(page)).toBeFocused();
  });

  test('who comes back reads only what is new', async ({ page, guard }) => {
    await open(page, '/blocks');
    await expect(seal(page)).toContainText('Verified from genesis');
    // Kept in IndexedDB by now, or with the next block.
    const keptAt = () =>
      page.evaluate(
        () =>
          new Promise<number>((done) => {
            const opening = indexedDB.open('tally-light');
            opening.onsuccess = () => {
              const all = opening.result.transaction('tips').objectStore('tips').getAll();
              all.onsuccess = () => {
                opening.result.close();
                done(all.result.length);
              };
            };
          }),
      );
    await expect.poll(keptAt).toBe(1);
    const before = guard.sent.length;
    await page.reload();
    await expect(seal(page)).toContainText('Verified from genesis');
    const paths = guard.sent.slice(before).map(({ url }) => new URL(url).pathname);
    expect(paths).not.toContain('/api/v1/light/chain');
  });

  test.describe('without JavaScript', () => {
    test.use({ javaScriptEnabled: false });

    test('the seal shows that nothing is verified', async ({ page }) => {
      await page.goto('/blocks');
      await expect(seal(page)).toContainText('As told');
      await expect(seal(page)).toContainText('not verified');
      await expect(seal(page)).toBeDisabled();
    });
  });
});

test.describe('a false node', () => {
  let proxy: FalseNode;
  let guard: Guard;
  let page: Page;

  test.beforeEach(async ({ browser, node }) => {
    await waitForHeight(node, 8);
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

  /** The seal names this rule, and no line of a block's page bears the mark: the reason stands beside one. */
  async function expectRejected(rule: string, why: RegExp) {
    await open(page, '/block/3');
    await expect(seal(page)).toContainText('Does not hold');
    await expect(seal(page)).toContainText(`rule ${rule}`);
    await expect(marks(page).nth(1)).toContainText('as told by the node');
    await expect(marks(page).nth(1)).toContainText(why);
    await expect(marks(page).filter({ hasText: 'verified here' })).toHaveCount(0);
  }

  test('a damaged proof is rejected, with its rule, its place and the bytes', async () => {
    proxy.bytes.push(['/api/v1/light/chain', (bytes) => (bytes[bytes.length - 60] ^= 1, bytes)]);
    await expectRejected('H5', /rule H5, block \d+: /);
    await seal(page).click();
    await expect(panel(page)).toContainText(/It breaks rule H5, block \d+, byte [\d,]+: /);
    const download = page.waitForEvent('download');
    await panel(page).getByRole('button', { name: 'Save the evidence' }).click();
    const stream = await (await download).createReadStream();
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    const evidence = JSON.parse(Buffer.concat(parts).toString());
    expect(evidence).toMatchObject({ format: 'tally-light-evidence', version: 1, rule: 'H5' });
    expect(evidence.bytes).toMatch(/^0x[0-9a-f]{200,}$/);
    await picture(page, 'seal-failed');
  });

  test('a proof that ends too early is rejected', async () => {
    proxy.bytes.push(['/api/v1/light/chain', (bytes) => bytes.subarray(0, bytes.length - 30)]);
    await expectRejected('F3', /the proof ends among its headers too early/);
  });

  test('an honest proof of another chain is rejected', async () => {
    const other = await TallyNode.start({ chain: 'local', mine: false });
    try {
      const [tip, chain] = [await bytesOf(`${other.url}/api/v1/light/tip`), await bytesOf(`${other.url}/api/v1/light/chain`)];
      proxy.bytes.push(['/api/v1/light/tip', () => tip], ['/api/v1/light/chain', () => chain]);
      await expectRejected('F3', /the proof is of the chain with genesis/);
      // With its spec as well it is rejected before anything of its chain is read.
      const spec = await other.api('spec');
      proxy.changes.push(['/api/v1/spec', () => spec]);
      await expectRejected('C2', /the node's chain spec has genesis/);
    } finally {
      await other.kill();
    }
  });

  test('a tip of more total work than its chain has is rejected', async () => {
    proxy.bytes.push(['/api/v1/light/tip', (bytes) => (bytes[80 + 20]++, bytes)]);
    await expectRejected('F11', /the total work of the chain is \d+, the node claims \d+/);
  });

  test('a chain of less total work than one that was verified is rejected until the reader forgets that', async ({ node }) => {
    // An honest proof of an older tip, replayed.
    const old = await bytesOf(`${node.url}/api/v1/light/tip`);
    const proof = await bytesOf(`${node.url}/api/v1/light/chain`);
    const height = Number((await node.api('status')).height);
    await waitForHeight(node, height + 3);
    await open(page, '/blocks');
    await expect(seal(page)).toContainText('Verified from genesis');
    await waitForHeight(node, height + 6);
    proxy.bytes.push(['/api/v1/light/tip', () => old], ['/api/v1/light/chain', () => proof]);
    await expectRejected('F10', /the total work of the chain is \d+, a chain of \d+ was verified before/);
    await seal(page).click();
    await panel(page).getByRole('button', { name: 'Forget the chain with more work' }).click();
    await expect(seal(page)).toContainText('Verified from genesis');
    await page.keyboard.press('Escape');
    await expect(marks(page)).toHaveText(Array(4).fill('verified here'));
  });

  test('marks end with the proof that they rest on, whatever the node sends of the page', async () => {
    const falseTip = (bytes: Buffer) => (bytes[80 + 20]!++, bytes);
    const verified = marks(page).filter({ hasText: 'verified here' });
    await open(page, '/block/3');
    await expect(verified).toHaveCount(4);
    // The page is not read again; the seal follows new blocks all the same.
    await page.getByRole('button', { name: 'Pause live updates' }).click();
    proxy.bytes.push(['/api/v1/light/tip', falseTip]);
    await expect(seal(page)).toContainText('Does not hold');
    await expect(verified).toHaveCount(0);
    await expect(marks(page).nth(1)).toContainText('as told by the node');
    proxy.bytes.length = 0;
    await expect(seal(page)).toContainText('Verified from genesis');
    await expect(verified).toHaveCount(4);
    // A node that does not send the bytes again keeps no mark by that.
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    await page.route(/\/ui\/block_evidence\?/, async (route) => {
      await held;
      await route.continue();
    });
    proxy.bytes.push(['/api/v1/light/tip', falseTip]);
    await expect(seal(page)).toContainText('Does not hold');
    await expect(marks(page)).toHaveText(Array(4).fill('checking…'));
    release();
    await expect(marks(page).nth(1)).toContainText('as told by the node');
  });

  test('a claim of less total work that nothing shows is no reason to forget', async ({ node }) => {
    const old = await bytesOf(`${node.url}/api/v1/light/tip`);
    const height = Number((await node.api('status')).height);
    await waitForHeight(node, height + 3);
    await open(page, '/blocks');
    await expect(seal(page)).toContainText('Verified from genesis');
    proxy.bytes.push(['/api/v1/light/tip', () => old], ['/api/v1/light/chain', (bytes) => bytes.subarray(0, 300)]);
    await expect(seal(page)).toContainText('rule F3');
    await seal(page).click();
    await expect(panel(page)).toContainText('It breaks rule F3');
    await expect(panel(page).getByRole('button', { name: 'Forget the chain with more work' })).toHaveCount(0);
  });

  test('what one tab forgets, no other tab keeps again', async ({ browser, node }) => {
    const context = await browser.newContext({ baseURL: proxy.url });
    const others = new Guard(context, proxy.url);
    const tabs = [await context.newPage(), await context.newPage()] as const;
    const old = await bytesOf(`${node.url}/api/v1/light/tip`);
    const proof = await bytesOf(`${node.url}/api/v1/light/chain`);
    const height = Number((await node.api('status')).height);
    await waitForHeight(node, height + 3);
    for (const tab of tabs) {
      await open(tab, '/blocks');
      await expect(seal(tab)).toContainText('Verified from genesis');
    }
    proxy.bytes.push(['/api/v1/light/tip', () => old], ['/api/v1/light/chain', () => proof]);
    for (const tab of tabs) await expect(seal(tab)).toContainText('rule F10');
    await seal(tabs[0]).click();
    await panel(tabs[0]).getByRole('button', { name: 'Forget the chain with more work' }).click();
    for (const tab of tabs) await expect(seal(tab)).toContainText('Verified from genesis');
    await context.close();
    expect(others.faults, 'nothing on these pages went wrong').toEqual([]);
  });

  test('a claimed height beyond 2^53 does not end the light client', async () => {
    // The number in the manifest is its first field: a list's head, then the integer.
    proxy.bytes.push(['/api/v1/light/tip', (bytes) => withHeight(bytes, 2n ** 60n)]);
    await expectRejected('F1', /the tip has height 1152921504606846976/);
    proxy.bytes.length = 0;
    await expect(seal(page)).toContainText('Verified from genesis');
  });

  test('a false path to the history gets no mark', async () => {
    proxy.bytes.push(['/api/v1/light/ancestor', (bytes) => (bytes[0]++, bytes)]);
    await open(page, '/block/3');
    await expect(seal(page)).toContainText('Verified from genesis');
    await expect(marks(page).nth(1)).toContainText('does not hold');
    await expect(marks(page).nth(1)).toContainText(/nothing shows that it is block 3 of the verified chain/);
    await expect(marks(page).filter({ hasText: 'verified here' })).toHaveCount(0);
  });

  test('while the proof is on its way, marks say so', async () => {
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    proxy.bytes.push(['/api/v1/light/chain', async (bytes) => (await held, bytes)]);
    await open(page, '/block/3');
    await expect(seal(page)).toContainText('Checking');
    await expect(marks(page)).toHaveText(Array(4).fill('checking…'));
    release();
    await expect(marks(page)).toHaveText(Array(4).fill('verified here'));
    await expect(seal(page)).toContainText('Verified from genesis');
  });
});
