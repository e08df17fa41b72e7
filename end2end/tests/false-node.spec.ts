// What the tab claims of a node that answers falsely: nothing made up, old or of others is marked as verified.
import { give } from '../support/coins';
import { FalseNode } from '../support/false-node';
import { forged } from '../support/forge';
import { Guard } from '../support/guard';
import { expect, hydrated, open, TallyNode, test, waitForHeight, type Page } from '../support/test';
import { addressOf, card, createWallet, picture, unlock } from '../support/wallet';

const ECC = 'ECC account';
const MILLION = 10n ** 24n;

let proxy: FalseNode;
let guard: Guard;

test.beforeEach(async ({ node }) => {
  proxy = await FalseNode.before(node.url);
});

test.afterEach(async () => {
  const faults = [...guard.faults];
  await proxy.stop();
  expect(faults, 'nothing on the pages went wrong').toEqual([]);
});

/** A page of the false node with a wallet of its own. */
async function wallet(browser: import('@playwright/test').Browser): Promise<Page> {
  const page = await browser.newPage({ baseURL: proxy.url });
  guard = new Guard(page.context(), proxy.url);
  await createWallet(page);
  return page;
}

const mark = (page: Page) => card(page, ECC).locator('.mark');
const history = (page: Page) => page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();

test('no made-up balance gets the mark, and no old one', async ({ browser, node }) => {
  const page = await wallet(browser);
  const address = await addressOf(page, ECC);
  await expect(mark(page)).toHaveText('verified here');
  await expect(page.getByText(/against block [\d,]+, which is on the chain that this tab has verified from genesis on/)).toBeVisible();

  // The state before the payment is shown again after it.
  const old = await node.api(`accounts/${address}?proof=true`);
  await give(node, address, '5');
  await expect(card(page, ECC).locator('.amount')).toContainText('5');
  await expect(mark(page)).toHaveText('verified here');
  const change = (answer: any): any => (answer.proof ? old : undefined);
  proxy.changes.push([`/api/v1/accounts/${address}`, change]);
  await expect(mark(page)).toContainText('older than seen before');
  await expect(mark(page)).toContainText(/answers from block \d+, and this browser has verified block \d+/);
  await expect(page.getByText('The node shows an older state than before')).toBeVisible();
  await picture(page, 'marks-older');

  // A million in a block of the height 0, above the tip, and among the blocks of the chain, with its work and without.
  const blocks = [
    [{ number: 0n, bits: 0x1f00ffff }, /block 0 is not this chain's genesis/],
    [{ number: 0n, bits: 0x207fffff }, /block 0 is not this chain's genesis/],
    [{ number: 1_000_000n, bits: 0x207fffff }, /block 1000000 is above the verified tip, block \d+/],
    [{ number: 5n, bits: 0x1f7fffff }, /nothing shows that it is block 5 of the verified chain/],
    [{ number: 5n, bits: 0x1b00ffff }, /nothing shows that it is block 5 of the verified chain/],
  ] as const;
  for (const [block, why] of blocks) {
    let made: any;
    proxy.changes[0] = [`/api/v1/accounts/${address}`, (answer) => answer.proof && (made ??= forged(answer, address, MILLION, block))];
    await expect(card(page, ECC).locator('.amount')).toContainText('1,000,000');
    await expect(mark(page)).toContainText('does not hold');
    await expect(mark(page)).toContainText(why);
  }
  await picture(page, 'marks-forged');

  // A spec with an easier limit is not this chain's, so nothing can be checked with it, and nothing is marked.
  proxy.changes.unshift(['/api/v1/spec', (spec) => ({ ...spec, consensus: { ...spec.consensus, pow_limit_bits: 0x207fffff } })]);
  proxy.changes[1] = [`/api/v1/accounts/${address}`, (answer) => (answer.proof ? forged(answer, address, MILLION, { number: 7n, bits: 0x207fffff }) : undefined)];
  await open(page, '/wallet');
  await unlock(page);
  await expect(card(page, ECC).locator('.amount')).toContainText('1,000,000');
  await expect(mark(page)).toContainText('as told by the node');
  await expect(mark(page)).toContainText(/rule C2: the node's chain spec has genesis/);

  // The true answer gets the mark again.
  proxy.changes.length = 0;
  await open(page, '/wallet');
  await unlock(page);
  await expect(mark(page)).toHaveText('verified here');
});

test('a block of hardly any work proves nothing, though the rules of the chain allow it', async ({ browser }) => {
  // The chain's spec is older than its block 1, so that its limit, 256 hashes, is all that a block of today needs.
  const young = await TallyNode.start({ chain: 'local', mine: false });
  await proxy.stop();
  proxy = await FalseNode.before(young.url);
  try {
    const page = await wallet(browser);
    const address = await addressOf(page, ECC);
    await expect(mark(page)).toHaveText('verified here'); // at genesis
    const time = Math.floor(Date.now() / 1000);
    proxy.changes.push([`/api/v1/accounts/${address}`, (answer) => answer.proof && forged(answer, address, MILLION, { number: 7n, bits: 0x2000ffff, time })]);
    await open(page, '/wallet');
    await unlock(page);
    await expect(card(page, ECC).locator('.amount')).toContainText('1,000,000');
    await expect(mark(page)).toContainText('does not hold');
    await expect(mark(page)).toContainText('block 7 is above the verified tip, block 0');
    await picture(page, 'marks-light');
  } finally {
    await young.kill();
  }
});

test('a line of the history is bound to the account, its direction and its outcome', async ({ browser, node }) => {
  const page = await wallet(browser);
  const address = await addressOf(page, ECC);
  const other = '0x1111111111111111111111111111111111111111';
  await give(node, other, '77');
  await give(node, address, '5');
  const line = page.getByRole('list', { name: 'Payments' }).getByRole('listitem').first();
  const rowChanged = (change: (row: any) => any) => (answer: any) =>
    answer && { ...answer, history: { ...answer.history, items: answer.history.items.map(change) } };
  const look = async (change: (answer: any) => any) => {
    proxy.changes.length = 0;
    proxy.changes.push(['/ui/account', change]);
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
    await history(page);
    await page.getByLabel('Account', { exact: true }).selectOption(address);
  };

  await look((answer) => answer);
  await expect(line.locator('.mark')).toHaveText('verified here');

  // A line is verified no longer than the chain that it is checked by, and what was false is checked again as well.
  const falseTip = (bytes: Buffer) => (bytes[80 + 20]!++, bytes);
  proxy.bytes.push(['/api/v1/light/tip', falseTip]);
  await expect(line.locator('.mark')).toContainText('as told by the node');
  proxy.bytes.length = 0;
  await expect(line.locator('.mark')).toHaveText('verified here');
  proxy.changes.push(['/ui/transaction_evidence', (answer) => answer && { ...answer, outcome: null, inclusion: null }]);
  proxy.bytes.push(['/api/v1/light/tip', falseTip]);
  await expect(line.locator('.mark')).toContainText('does not hold');
  proxy.bytes.length = 0;
  proxy.changes.length = 0;
  await expect(line.locator('.mark')).toHaveText('verified here');

  // Another's real payment, put into this history.
  const others = await (await fetch(`${node.url}/ui/account?address=${other}&page=1&rows=20`)).json();
  await look((answer) => answer && { ...answer, history: others.history });
  await expect(line).toContainText('77');
  await expect(line.locator('.mark')).toContainText(`it is neither from nor to ${address}`);
  await picture(page, 'history-of-others');

  // The account's own payment, turned round, to another, of another amount, failed.
  await look(rowChanged((row) => ({ ...row, from: address, to: row.from })));
  await expect(line).toContainText('Sent to');
  await expect(line.locator('.mark')).toContainText('The sender is shown as');
  await look(rowChanged((row) => ({ ...row, to: other })));
  await expect(line.locator('.mark')).toContainText('The receiver is shown as');
  await look(rowChanged((row) => ({ ...row, value: '9000000000000000000' })));
  await expect(line.locator('.mark')).toContainText('The value is shown as');
  await look(rowChanged((row) => ({ ...row, status: 'failed' })));
  await expect(line.locator('.mark')).toContainText('The status is shown as failed, but the bytes contain succeeded');

  // Without its receipt the outcome is only what the node reports.
  await look(rowChanged((row) => ({ ...row, status: 'failed' })));
  proxy.changes.push(['/ui/transaction_evidence', (answer) => answer && { ...answer, outcome: null }]);
  await open(page, '/wallet/history');
  await unlock(page);
  const checked = page.waitForResponse(/transaction_evidence/);
  await page.getByLabel('Account', { exact: true }).selectOption(address);
  await checked;
  await expect(line.locator('.mark')).toHaveText('as told by the node');

  // A history of another account altogether.
  proxy.changes.length = 0;
  proxy.changes.push(['/ui/account', () => others]);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
  await history(page);
  await page.getByLabel('Account', { exact: true }).selectOption(address);
  await expect(page.getByText('The node answered about another account')).toBeVisible();
});

test('a mark is of what stands beside it: content that changes is checked anew', async ({ browser, node }) => {
  const to = '0x3333333333333333333333333333333333333333';
  await give(node, to, '3');
  const id = (await node.api(`accounts/${to}/transactions?limit=1`)).items[0].id as string;
  const page = await browser.newPage({ baseURL: proxy.url });
  guard = new Guard(page.context(), proxy.url);
  const marks = page.locator('.verify-lines .mark');
  await open(page, `/tx/${id}`);
  await expect(marks).toHaveText(Array(5).fill('verified here'));
  // True at first, false after the next block: while the bytes are on their way, nothing of it looks verified.
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route(/\/ui\/transaction_evidence\?/, async (route) => {
    await held;
    await route.continue();
  });
  proxy.changes.push(['/ui/transaction?', (answer) => answer && { ...answer, row: { ...answer.row, value: '9000000000000000000' } }]);
  await expect(page.locator('.stats .amount').first()).toContainText('9');
  await expect(marks).toHaveText(Array(5).fill('checking…'));
  release();
  await expect(marks.nth(1)).toContainText('The value is shown as 9000000000000000000');
  await expect(marks.nth(0)).toHaveText('verified here');
});

test('a transaction page is compared with bytes and receipt', async ({ browser, node }) => {
  const to = '0x2222222222222222222222222222222222222222';
  await give(node, to, '3');
  const id = (await node.api(`accounts/${to}/transactions?limit=1`)).items[0].id as string;
  const page = await browser.newPage({ baseURL: proxy.url });
  guard = new Guard(page.context(), proxy.url);
  const marks = page.locator('.verify-lines .mark');
  await waitForHeight(node, 2);
  await open(page, `/tx/${id}`);
  await expect(marks).toHaveText(Array(5).fill('verified here'));
  const changes: [(page: any) => any, number, RegExp][] = [
    [(answer) => ({ ...answer, row: { ...answer.row, to: '0x1111111111111111111111111111111111111111' } }), 1, /The receiver is shown as/],
    [(answer) => ({ ...answer, memo: 'gift' }), 1, /the memo shown is not the text in the bytes/],
    [(answer) => ({ ...answer, row: { ...answer.row, scheme: 'rsa' } }), 1, /The kind of the signature is shown as RSA/],
    [(answer) => ({ ...answer, row: { ...answer.row, time: 1 } }), 3, /The time is shown as 1/],
    [(answer) => ({ ...answer, row: { ...answer.row, status: 'failed' } }), 4, /The status is shown as failed, but the bytes contain succeeded/],
    [(answer) => ({ ...answer, row: { ...answer.row, fee: '1' } }), 4, /The fee is shown as 1/],
    [(answer) => ({ ...answer, gas_used: 1 }), 4, /The gas used is shown as 1/],
  ];
  for (const [change, place, why] of changes) {
    proxy.changes.length = 0;
    proxy.changes.push(['/ui/transaction?', (answer) => answer && change(answer)]);
    await expect(marks.nth(place)).toContainText(why); // with the next block
  }
  await hydrated(page);
});
