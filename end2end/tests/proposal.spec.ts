// What a proposal of the command line warns of on the page: the same list, and a contract's program never as a memo. And what
// becomes of one that two tabs send.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { concat, decodeRlp, encodeRlp, getBytes } from 'ethers';

import { Guard } from '../support/guard';
import { binary, pacedChain } from '../support/node';
import { PUBLIC_PHRASE, publicWallet } from '../support/saved';
import { expect, open, TallyNode, test, type Page } from '../support/test';
import { unlock } from '../support/wallet';

const FRIEND = '0x8ba1f109551bD432803012645Ac136ddd64DBA72';
/** Nine digits at each end are those of the first secp256k1 account of the PUBLIC phrase. */
const ALIKE = `0xf39fd6e51${'0'.repeat(22)}fffb92266`;

const LOOK_ALIKE = 'This address looks like one you know, but is another';
const FEE_OF_VALUE = 'The fee is high for this amount';
const FEE_HIGH = 'The fee is high';

/** Receiver, amount, most for each gas; what needs a tick, by the title of the command line's warning. */
const CASES: [string, string, string, string[]][] = [
  [FRIEND, '1.25', '2000000000', []],
  [ALIKE, '1.5', '2000000000', [LOOK_ALIKE]],
  [FRIEND, '0.00001', '2000000000', [FEE_OF_VALUE]],
  [FRIEND, '1000', '10000000000000', [FEE_HIGH]],
  [ALIKE, '0.01', '10000000000000', [LOOK_ALIKE, FEE_OF_VALUE, FEE_HIGH]],
];

let folder: string;
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tally-proposal-'));
  wallet('restore', '--chain', pacedChain);
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The wallet of the PUBLIC phrase on the command line, without a node. */
function wallet(...args: string[]): string {
  const env = {
    ...process.env,
    TALLY_WALLET: join(folder, 'wallet.json'),
    TALLY_WALLET_PASSWORD: 'correct horse',
    TALLY_WALLET_PHRASE: PUBLIC_PHRASE,
    TALLY_NODE: 'http://127.0.0.1:1',
  };
  return execFileSync(binary, ['wallet', ...args], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
}

function propose(to: string, amount: string, maxFee: string): string {
  const fees = ['--nonce', '0', '--max-fee', maxFee, '--priority-fee', '1'];
  return wallet('propose', '--from', 'ECC account', '--to', to, '--amount', amount, ...fees).trim();
}

/** The same proposal, but its bytes create a contract. Rules: docs/protocol.md#T3, #W63 */
function creation(proposal: string, program: string): string {
  const kind = 'tally-proposal';
  const list = decodeRlp(Buffer.from(proposal.slice(`${kind}-1.`.length), 'base64url').subarray(0, -4)) as any[];
  const payload = decodeRlp(getBytes(list[4]).slice(1)) as any[];
  [payload[6], payload[8]] = ['0x', program];
  list[4] = concat(['0x54', encodeRlp(payload)]);
  const bytes = Buffer.from(getBytes(encodeRlp(list)));
  const check = createHash('sha256').update('tally/text').update(kind).update(bytes).digest().subarray(0, 4);
  return `${kind}-1.${Buffer.concat([bytes, check]).toString('base64url')}`;
}

async function sharedPage(page: Page, node: TallyNode): Promise<void> {
  await publicWallet(page, node);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Shared' }).click();
}

async function lookAt(page: Page, proposal: string): Promise<void> {
  await page.getByLabel('Text of the proposal').fill(proposal);
  await page.getByRole('button', { name: 'Look at it' }).click();
  await expect(page.getByRole('heading', { name: 'Signed by 0 of 1 needed' })).toBeVisible();
}

/** Exactly these warnings need a tick, and nothing is signed before all have theirs. */
async function expectTicks(page: Page, titles: string[]): Promise<void> {
  const sign = page.getByRole('button', { name: 'Sign it' });
  await expect(page.getByText('Looking at the recipient and the fee…')).toBeHidden();
  for (const title of titles) await expect(page.getByText(title, { exact: true })).toBeVisible();
  const ticks = page.getByLabel('I know, and want to sign it all the same');
  await expect(ticks).toHaveCount(titles.length);
  for (const tick of await ticks.all()) {
    await expect(sign).toBeDisabled();
    await tick.check();
  }
  await expect(sign).toBeEnabled();
}

test('a proposal warns on the page of what the command line warns of', async ({ page, node }) => {
  test.setTimeout(180_000);
  await sharedPage(page, node);
  for (const [to, amount, maxFee, titles] of CASES) {
    await lookAt(page, propose(to, amount, maxFee));
    await expectTicks(page, titles);
    await page.getByRole('button', { name: 'Put it away' }).click();
  }
});

test('a contract in a proposal is shown as its program, and needs a tick', async ({ page, node }) => {
  test.setTimeout(180_000);
  await sharedPage(page, node);
  // "for Ann": it would read as a memo if there were a receiver.
  await lookAt(page, creation(propose(FRIEND, '1.75', '2000000000'), '0x666f7220416e6e'));
  const fact = (name: string) => page.locator('.fact').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');
  await expect(fact('To')).toHaveText('no one: a new contract is created');
  await expect(fact('Program of the contract')).toContainText('0x666f7220416e6e');
  await expect(fact('Program of the contract')).toContainText('7 bytes');
  await expect(fact('Memo')).toHaveText('none');
  await expect(page.getByText('for Ann')).toBeHidden();
  await expectTicks(page, ['This creates a contract and pays no one']);
});

/** What this browser keeps of what it sent: whether a node has acknowledged each. */
async function kept(page: Page): Promise<boolean[]> {
  return page.evaluate(() => {
    const lists = Object.entries(localStorage).filter(([key]) => key.startsWith('tally.sent.'));
    return lists.flatMap(([, list]) => JSON.parse(list) as { acknowledged: boolean }[]).map((sent) => sent.acknowledged);
  });
}

for (const isFound of [true, false]) {
  const how = isFound ? 'is found by its id' : 'stays in the list of what was sent, where the node does not find it';
  test(`one proposal in two tabs: the payment of the second ${how} when the first is rejected`, async ({ browser }) => {
    test.setTimeout(180_000);
    const node = await TallyNode.start({ mine: false });
    const context = await browser.newContext({ baseURL: node.url });
    const guard = new Guard(context, node.url);
    guard.allow(/Failed to load resource/); // the rejection
    try {
      const [first, second] = [await context.newPage(), await context.newPage()];
      await sharedPage(first, node);
      await lookAt(first, propose(FRIEND, '1.25', '2000000000'));
      await expectTicks(first, []);
      await first.getByRole('button', { name: 'Sign it' }).click();
      const send = (page: Page) => page.getByRole('button', { name: 'Send it', exact: true });
      await expect(send(first)).toBeVisible();
      const signed = ((await first.locator('.hand-on-text').textContent()) ?? '').trim();
      await open(second, '/wallet/shared');
      await unlock(second);
      await second.getByLabel('Text of the proposal').fill(signed);
      await second.getByRole('button', { name: 'Look at it' }).click();
      await expect(send(second)).toBeVisible();

      // The first tab's copy comes to the node when that of the second is in a block in which the node does not find it.
      let release = () => {};
      const taken = new Promise<void>((done) => (release = done));
      await first.route('**/api/v1/transactions', async (route) => {
        await taken;
        const json = { type: '/problems/nonce-too-low', title: 'The nonce is used', status: 409, detail: 'It is 0.' };
        await route.fulfill({ status: 409, contentType: 'application/problem+json', json });
      });
      if (!isFound) await first.route(/\/ui\/transaction\?/, (route) => route.fulfill({ json: null }));
      const handedIn = first.waitForRequest('**/api/v1/transactions');
      await send(first).click();
      await handedIn;
      await send(second).click();
      await expect(second.locator('.follow-line')).toContainText('Pending');
      release();
      if (isFound) {
        await expect(first.locator('.follow-line')).toContainText('Pending');
      } else {
        await expect(first.getByText('A node had the payment before')).toBeVisible();
        await expect(first.getByText('The node rejected this copy')).toBeHidden();
      }
      expect(await kept(first)).toEqual([true]);
      expect(guard.faults, 'nothing on the pages went wrong').toEqual([]);
    } finally {
      await context.close();
      await node.kill();
    }
  });
}
