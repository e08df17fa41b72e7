// Two nodes, seen from the page of one of them: alone, connected, and refusing.
import { pictures } from '../support/pictures';
import { expectAccessible } from '../support/accessible';
import { expect, open, TallyNode, test, waitForHeight } from '../support/test';
import { createWallet } from '../support/wallet';

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
    await pictures(page, 'network');
    await expectAccessible(page, 'network');

    // What the first knows of the second, the second knows of the first.
    await open(page, `${second.url}/network`);
    await expect(peers.getByText('out', { exact: true })).toBeVisible();
    const listed = await second.api<{ peers: { id: string; inbound: boolean }[] }>('peers');
    expect(listed.peers.map((peer) => [peer.id, peer.inbound])).toEqual([[id, false]]);

    await second.operate('PUT', `peers/${id}/ban`, { secs: 60, reason: 'because a test says so' });
    const banned = page.getByRole('table', { name: 'Banned peers' });
    await page.reload();
    await expect(banned.getByText('because a test says so')).toBeVisible();
    await expect(page.getByText('This node is alone')).toBeVisible();
    await pictures(page, 'network-banned');
    await expectAccessible(page, 'network with a ban');
  } finally {
    await page.goto('about:blank');
    for (const node of [first, ...others]) await node.kill();
  }
});

test('a payment whose block a heavier branch replaces is pending again, and included once more', async ({ browser }) => {
  test.setTimeout(180_000);
  const [first, second] = [
    await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] }),
    await TallyNode.start({ args: ['--p2p-listen', '127.0.0.1:0'] }),
  ];
  const page = await browser.newPage({ baseURL: first.url });
  try {
    const height = async (node: TallyNode) => Number((await node.api('status')).height);
    await createWallet(page);
    await page.getByRole('button', { name: 'Get test coins' }).click();
    const line = page.locator('.follow-line');
    await expect(line).toHaveText(/^\d+ confirmation/, { timeout: 60_000 });
    await first.mine(false);
    await waitForHeight(second, (await height(first)) + 3);
    await second.mine(false);

    // The two meet: the longer history wins, and the payment is in neither's blocks.
    await first.operate('POST', 'peers', { address: await addressOf(second) });
    await expect(line).toHaveText('Pending again: a heavier branch replaced its block', { timeout: 30_000 });
    await pictures(page, 'payment-returned');
    expect(await height(first)).toBe(await height(second));

    // It waits at the other node, too, which takes it into a block.
    await second.mine(true);
    await expect(line).toHaveText(/^\d+ confirmation/, { timeout: 60_000 });
  } finally {
    await page.close();
    for (const node of [first, second]) await node.kill();
  }
});
