// What the wallet signed, checked by a program that knows nothing of Tally but docs/protocol.md: ethers and Node.js.
import { createHash, createPublicKey, verify, constants } from 'node:crypto';

import { SigningKey, computeAddress, decodeRlp, encodeRlp, getBytes, hexlify } from 'ethers';

import { give } from '../support/coins';
import { expect, test, type Page } from '../support/test';
import { addressOf, createWallet } from '../support/wallet';

const RECEIVER = '0x52908400098527886E0F7030069857D2E4169EE7';
const SLOW = { timeout: 60_000 };

/** Sends a coin from an account; the envelope as the node has it. */
async function pay(page: Page, label: string): Promise<{ raw: string; id: string }> {
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
  const option = page.locator('#from option', { hasText: new RegExp(`^${label} \\(`) });
  await page.getByLabel('From').selectOption((await option.getAttribute('value'))!);
  await page.getByLabel('To', { exact: true }).fill(RECEIVER);
  await page.getByLabel(/^Amount in/).fill('1');
  await page.getByRole('button', { name: 'Review' }).click();
  const accepted = page.waitForResponse((answer) => answer.url().endsWith('/api/v1/transactions') && answer.status() === 202);
  await page.getByRole('button', { name: 'Sign and send' }).click();
  const { raw } = (await accepted).request().postDataJSON();
  await expect(page.locator('.follow-line')).toContainText('confirmation', SLOW);
  const { id } = await (await accepted).json();
  await page.getByRole('link', { name: 'To the accounts' }).click();
  return { raw, id };
}

test('signatures hold for ethers and for OpenSSL, by the protocol alone', async ({ page, node }) => {
  test.setTimeout(180_000);
  await createWallet(page);
  const accounts = { rsa: await addressOf(page, 'RSA account'), ecc: await addressOf(page, 'ECC account') };
  await give(node, accounts.rsa, '5');
  await give(node, accounts.ecc, '5');
  const shown = getBytes(`0x${(await node.api('status')).genesis_id}`);
  const genesis = Uint8Array.from(shown).reverse();

  for (const [label, sender] of [['ECC account', accounts.ecc], ['RSA account', accounts.rsa]] as const) {
    const { raw, id } = await pay(page, label);
    expect(raw.slice(0, 4)).toBe('0x54');
    const fields = decodeRlp(`0x${raw.slice(4)}`) as any[];
    const [, publicKey, signature] = fields[9] as [string, string, string];
    // Rules T3 and T4.
    const payload = getBytes(`0x54${encodeRlp(fields.slice(0, 9)).slice(2)}`);
    const message = Buffer.concat([Buffer.from('tally/tx'), genesis, getBytes(sender), payload]);
    const digest = createHash('sha256').update(message).digest();
    const expected = createHash('sha256').update('tally/txid').update(getBytes(sender)).update(payload).digest('hex');
    expect(id).toBe(`0x${expected}`);
    if (label === 'ECC account') {
      // Rules A2 and A6: the curve, the address and the low s are Ethereum's own.
      expect(computeAddress(publicKey)).toBe(sender);
      const [r, s] = [signature.slice(0, 66), `0x${signature.slice(66)}`];
      const recovered = [0, 1].map((yParity) => SigningKey.recoverPublicKey(digest, { r, s, yParity: yParity as 0 | 1 }));
      expect(recovered.map((key) => computeAddress(key))).toContain(sender);
    } else {
      // Rules A3 and A5, by OpenSSL's code in Node.js.
      const spki = Buffer.from(getBytes(publicKey));
      const hash = createHash('sha256').update('tally/rsa').update(spki).digest();
      expect(hexlify(hash.subarray(12))).toBe(sender.toLowerCase());
      const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      expect(verify('sha256', message, pss, getBytes(signature))).toBe(true);
      expect(verify('sha256', message.subarray(1), pss, getBytes(signature))).toBe(false);
    }
  }
});
