// Two nodes, seen from the page of one of them: alone, connected, and with bans; and what its operator does there.
import { parseEther, Wallet } from 'ethers';

import { sizes } from '../support/pictures';
import { expectAccessible } from '../support/accessible';
import { emptyWallet, publicWallet } from '../support/saved';
import { expect, open, type Page, TallyNode, test, waitForHeight } from '../support/test';
import { picture } from '../support/wallet';

/** The key of the first ECC account of the PUBLIC phrase, which has coins from genesis. */
const PUBLIC_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const FRIEND = '0x52908400098527886E0F7030069857D2E4169EE7';

/** The address under which a node can be called, from its banner. */
async function addressOf(node: TallyNode): Promise<string> {
  let address = '';
  await expect(() => {
    address = /network +(\/ip4\/\S+\/tcp\/\S+\/p2p\/\S+)/.exec(node.log)?.[1] ?? '';
    expect(address).not.toBe('');
  }).toPass();
  return address;
}

test('the page of a network shows who is there, what comes from them, and who is banned', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127/);
  const first = await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] });
  const others: TallyNode[] = [];
  try {
    await open(page, `${first.url}/network`);
    await expect(page.getByText('This node is alone')).toBeVisible();
    const address = await addressOf(first);
    const id = address.split('/p2p/')[1]!;
    await expect(page.getByText(address)).toBeVisible();

    const second = await TallyNode.start({ mine: false, args: ['--peer', address, '--p2p-listen', '127.0.0.1:0'] });
    others.push(second);
    // It catches up, and the page of the first shows it without being loaded again.
    const peers = page.getByRole('table', { name: 'Peers' });
    await expect(peers.getByText(/^tally\//)).toBeVisible({ timeout: 15_000 });
    await expect(peers.getByText(/\d ms/)).toBeVisible({ timeout: 15_000 });
    await waitForHeight(second, Number((await first.api('status')).height));
    await picture(page, 'network');
    await expectAccessible(page, 'network');

    // What the first knows of the second, the second knows of the first.
    await open(page, `${second.url}/network`);
    await expect(peers.getByText('out', { exact: true })).toBeVisible();
    const listed = await second.api<{ peers: { id: string; inbound: boolean }[] }>('peers');
    expect(listed.peers.map((peer) => [peer.id, peer.inbound])).toEqual([[id, false]]);

    await second.operate('PUT', `peers/${id}/ban`, { secs: 60, reason: 'noise in a test' });
    const banned = page.getByRole('table', { name: 'Banned peers' });
    await page.reload();
    await expect(banned.getByText('noise in a test')).toBeVisible();
    await expect(page.getByText('This node is alone')).toBeVisible();
    await picture(page, 'network-banned');
    await expectAccessible(page, 'network with a ban');
  } finally {
    await page.goto('about:blank');
    for (const node of [first, ...others]) await node.kill();
  }
});

/** The page fits a phone. */
async function expectNarrow(page: Page): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize(sizes.phone);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.phone.width);
  if (before) await page.setViewportSize(before);
}

/** The page offers nothing that only the operator may do. */
async function expectNoControls(page: Page): Promise<void> {
  await expect(page.getByRole('button', { name: /^(Add|Remove|Ban|Lift) / })).toHaveCount(0);
  await expect(page.getByLabel('Address of the peer')).toHaveCount(0);
}

test('the operator adds a peer on the page, bans it, lifts the ban, and removes it', async ({ page, context, guard }) => {
  test.setTimeout(180_000); // up to 30 s of it pass until the peer is dialled again
  guard.allow(/another origin: http:\/\/127/);
  const first = await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] });
  const others: TallyNode[] = [];
  const visitor = await context.newPage();
  try {
    const second = await TallyNode.start({ mine: false, args: ['--p2p-listen', '127.0.0.1:0'] });
    others.push(second);
    const address = await addressOf(second);
    const id = address.split('/p2p/')[1]!;
    const short = `${id.slice(0, 8)}…${id.slice(-6)}`;
    const peers = page.getByRole('table', { name: 'Peers' });
    const banned = page.getByRole('table', { name: 'Banned peers' });

    await open(page, first.operatorLink.replace('/#', '/network#'));
    await expect(page).toHaveURL(/\/network$/);
    const field = page.getByLabel('Address of the peer');
    await field.fill(address);
    await page.getByRole('button', { name: 'Add the peer' }).click();
    await expect(page.getByText('The peer is being dialled')).toBeVisible();
    await expect(field).toHaveValue('');
    await expect(peers.getByText(short)).toBeVisible();
    await picture(page, 'network-operator');
    await expectNarrow(page);
    await expectAccessible(page, 'network of its operator');

    await open(visitor, `${first.url}/network`);
    await expect(visitor.getByRole('table', { name: 'Peers' }).getByText(short)).toBeVisible();
    await expectNoControls(visitor);

    await page.getByRole('button', { name: `Ban ${short}` }).click();
    const question = page.getByRole('dialog', { name: 'Ban this peer?' });
    await expect(question.getByText(id)).toBeVisible();
    await expect(question.getByLabel('How long')).toHaveValue('3600');
    await expectNarrow(page);
    await expectAccessible(page, 'the question before a ban');
    await question.getByRole('button', { name: 'Keep it' }).click();
    await expect(question).toBeHidden();
    await expect(peers.getByText(short)).toBeVisible();

    await page.getByRole('button', { name: `Ban ${short}` }).click();
    await question.getByLabel('How long').selectOption('10 minutes');
    await question.getByRole('button', { name: 'Ban it' }).click();
    await expect(page.getByText(`${short} is banned for 10 minutes`)).toBeVisible();
    await expect(question).toBeHidden();
    await expect(banned.getByText('banned by the operator')).toBeVisible();
    await expect(page.getByText('This node is alone')).toBeVisible();
    expect((await first.api<{ bans: { id: string }[] }>('peers')).bans.map((ban) => ban.id)).toEqual([id]);
    await expectNarrow(page);
    await expect(visitor.getByRole('table', { name: 'Banned peers' }).getByText(short)).toBeVisible();
    await expectNoControls(visitor);

    await banned.getByRole('button', { name: `Lift the ban of ${short}` }).click();
    await expect(page.getByText(`${short} is not banned any more`)).toBeVisible();
    await expect(banned).toBeHidden();

    // It is dialled again, until it is removed.
    await expect(peers.getByText(short)).toBeVisible({ timeout: 30_000 });
    await page.getByRole('button', { name: `Remove ${short}` }).click();
    await expect(page.getByText(`${short} is removed`)).toBeVisible();
    await expect(page.getByText('This node is alone')).toBeVisible();
    expect((await first.api<{ peers: unknown[] }>('peers')).peers).toEqual([]);
  } finally {
    await visitor.close();
    await page.goto('about:blank');
    for (const node of [first, ...others]) await node.kill();
  }
});

test('an address that is none is refused at its field, and changes nothing', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127|status of 422/);
  const node = await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] });
  try {
    await open(page, node.operatorLink.replace('/#', '/network#'));
    const field = page.getByLabel('Address of the peer');
    const add = page.getByRole('button', { name: 'Add the peer' });
    await expect(add).toBeDisabled();
    const wrong = '/ip4/192.0.2.7/p2p/12D3KooWE1xyFnVRqazU8gMEYV9hZsom5uggtgPmQwdDghttgPeX';
    await field.fill(wrong);
    await add.click();
    await expect(page.getByRole('alert')).toContainText('it names neither tcp nor quic-v1');
    await expect(field).toHaveAccessibleDescription(/is not an address such as/);
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    await expect(field).toBeFocused();
    await expectNarrow(page);
    await expectAccessible(page, 'network with a refused address');
    // Blocks come meanwhile; what was typed stays.
    await waitForHeight(node, Number((await node.api('status')).height) + 2);
    await expect(field).toHaveValue(wrong);
    expect((await node.api<{ peers: unknown[] }>('peers')).peers).toEqual([]);
  } finally {
    await page.goto('about:blank');
    await node.kill();
  }
});

test('a payment whose block a branch with more work replaces is pending again, and included once more', async ({ browser }) => {
  test.setTimeout(180_000);
  const [first, second] = [
    await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] }),
    await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] }),
  ];
  const page = await browser.newPage({ baseURL: first.url });
  try {
    const height = async (node: TallyNode) => Number((await node.api('status')).height);
    await emptyWallet(page, first);
    await page.getByRole('button', { name: 'Get test coins' }).click();
    const line = page.locator('.follow-line');
    await expect(line).toHaveText(/^\d+ confirmation/, { timeout: 60_000 });
    await first.mine(false);
    await waitForHeight(second, (await height(first)) + 3);
    await second.mine(false);

    // The two meet: the longer history wins, and the payment is in neither's blocks.
    await first.operate('POST', 'peers', { address: await addressOf(second) });
    await expect(line).toHaveText('Pending again: a branch with more work replaced its block', { timeout: 30_000 });
    await picture(page, 'payment-returned');
    expect(await height(first)).toBe(await height(second));

    // It waits at the other node, too, which takes it into a block.
    await second.mine(true);
    await expect(line).toHaveText(/^\d+ confirmation/, { timeout: 60_000 });
  } finally {
    await page.close();
    for (const node of [first, second]) await node.kill();
  }
});

/** Another device of the PUBLIC phrase pays with the first nonce of its first ECC account, at this node. */
async function payElsewhere(node: TallyNode): Promise<void> {
  const raw = await new Wallet(PUBLIC_KEY).signTransaction({
    type: 2,
    chainId: Number((await node.api('status')).chain_id),
    nonce: 0,
    to: FRIEND,
    value: parseEther('2'),
    gasLimit: 21_000,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${node.url}/api/v1/transactions`, { method: 'POST', headers, body: JSON.stringify({ raw }) });
  expect(answer.status, await answer.text()).toBe(202);
}

test('a payment that a reorg takes out of its block is named in the history that was open all the time', async ({ browser }) => {
  test.setTimeout(180_000);
  const alone = { mine: false, args: ['--p2p-listen', '127.0.0.1:0'] };
  const [first, second] = [await TallyNode.start(alone), await TallyNode.start(alone)];
  const page = await browser.newPage({ baseURL: first.url });
  try {
    await publicWallet(page, first);
    const wallet = page.getByRole('navigation', { name: 'Wallet' });
    await wallet.getByRole('link', { name: 'Send' }).click();
    const sender = (await page.locator('#from option', { hasText: /^ECC account \(/ }).getAttribute('value'))!;
    await page.getByLabel('From').selectOption(sender);
    await page.getByLabel('To', { exact: true }).fill(FRIEND);
    await page.getByLabel(/^Amount in/).fill('7');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Sign and send' }).click();
    await expect(page.locator('.follow-line')).toContainText('Pending');
    await first.mine(true);
    await expect(page.locator('.follow-line')).toHaveText(/^\d+ confirmation/, { timeout: 60_000 });
    await first.mine(false);

    // The first blocks of this chain come fast: the page sees the payment as it was when its block was the newest.
    await page.route('**/ui/transaction?*', async (route) => {
      const answer = await route.fetch();
      const found = await answer.json();
      if (found?.row.block) found.tip = found.row.block.height;
      await route.fulfill({ response: answer, json: found });
    });
    const looked = page.waitForResponse(/\/ui\/transaction\?/);
    await wallet.getByRole('link', { name: 'History' }).click();
    await page.getByLabel('Account', { exact: true }).selectOption(sender);
    await looked;
    const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
    await expect(page.getByRole('list', { name: 'Payments' }).getByText('Sent to')).toHaveCount(1);
    await expect(lost).toBeHidden();

    // The other branch is longer, and has another payment of that nonce.
    await payElsewhere(second);
    await second.makeBlocks(Number((await first.api('status')).height) + 10);
    await first.operate('POST', 'peers', { address: await addressOf(second) });
    await expect(lost.getByText('Nonce used', { exact: true })).toBeVisible({ timeout: 60_000 });
    await picture(page, 'wallet-taken-out');
  } finally {
    await page.close();
    for (const node of [first, second]) await node.kill();
  }
});
