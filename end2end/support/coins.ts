// Coins for a test, from a PUBLIC account.
import { Wallet, parseEther } from 'ethers';

import type { TallyNode } from './node';
import { expect } from './test';

/** The eighth account of the PUBLIC phrase: no test but these pays with it. */
const PUBLIC_KEY = '0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356';

/** Pays coins to an address with a transaction that ethers signed, and waits until they are there. */
export async function give(node: TallyNode, to: string, coins: string): Promise<void> {
  const wallet = new Wallet(PUBLIC_KEY);
  const [status, account] = await Promise.all([node.api('status'), node.api(`accounts/${wallet.address}`)]);
  const raw = await wallet.signTransaction({
    type: 2,
    chainId: Number(status.chain_id),
    nonce: Number(account.next_nonce),
    to,
    value: parseEther(coins),
    gasLimit: 21_000,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  });
  const answer = await fetch(`${node.url}/api/v1/transactions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ raw }),
  });
  expect(answer.status, await answer.text()).toBe(202);
  await expect.poll(async () => (await node.api(`accounts/${to}`)).balance, { timeout: 60_000 }).not.toBe('0');
}
