// RSA signatures: by the browser's own cryptography where it gives any, by the worker where not, and never one that does not verify.
import { publicWallet } from '../support/saved';
import { expect, test, type Page, type TallyNode } from '../support/test';
import { card } from '../support/wallet';

const FRIEND = '0x52908400098527886E0F7030069857D2E4169EE7';

/** The worker's requests to WebCrypto. */
interface Seen {
  imports: { format: string; name: string; extractable: boolean; usages: string[]; wiped: boolean }[];
  signatures: number;
}

/** The wallet's worker, with a record of what it does with WebCrypto; `sign` stands in for its signatures. */
async function watched(page: Page, sign: 'right' | 'damaged' | 'failing' | 'missing') {
  const worker = page.workers().find((worker) => worker.url().includes('wallet-worker'))!;
  await worker.evaluate((sign) => {
    const own = globalThis as any;
    if (!own.native) {
      const { importKey, sign } = SubtleCrypto.prototype as any;
      own.native = { importKey, sign };
    }
    own.seen = { imports: [], signatures: 0 };
    const prototype = SubtleCrypto.prototype as any;
    prototype.importKey = function (format: string, data: Uint8Array, how: any, extractable: boolean, usages: string[]) {
      const one = { format, name: `${how.name} ${how.hash}`, extractable, usages, wiped: false };
      own.seen.imports.push(one);
      const imported = own.native.importKey.call(this, format, data, how, extractable, usages);
      return imported.then((key: CryptoKey) => {
        one.wiped = data.every((byte) => byte === 0);
        return key;
      });
    };
    prototype.sign = async function (...given: unknown[]) {
      own.seen.signatures++;
      if (sign === 'failing') throw new DOMException('not today', 'OperationError');
      const signature = new Uint8Array(await own.native.sign.apply(this, given));
      if (sign === 'damaged') signature[100] ^= 1;
      return signature.buffer;
    };
    if (sign === 'missing') Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  }, sign);
  return { seen: () => worker.evaluate(() => (globalThis as any).seen as Seen) };
}

/** Pays a friend, and waits until the node has taken the payment. */
async function pay(page: Page, node: TallyNode, coins: number): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).locator('a[href="/wallet"]').click();
  await card(page, 'RSA account').getByRole('link', { name: 'Send' }).click();
  await page.getByLabel('To', { exact: true }).fill(FRIEND);
  await page.getByLabel(/^Amount in/).fill(String(coins));
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Sign and send' }).click();
  const link = page.locator('.follow-links a[href^="/tx/"]');
  await expect(link).toBeVisible();
  const id = ((await link.getAttribute('href')) ?? '').replace('/tx/', '');
  expect((await node.api(`transactions/${id}`)).raw).toContain('0x54');
}

test('the browser signs with a key that no script can read, and the worker signs where the browser does not', async ({ page, node }) => {
  await publicWallet(page, node);

  const right = await watched(page, 'right');
  await pay(page, node, 1);
  await pay(page, node, 2);
  const { imports, signatures } = await right.seen();
  expect(imports, 'one import for both').toEqual([
    { format: 'pkcs8', name: 'RSA-PSS SHA-256', extractable: false, usages: ['sign'], wiped: true },
  ]);
  expect(signatures).toBe(2);

  // The node accepts these payments too: the worker signed them.
  for (const [place, how] of (['damaged', 'failing', 'missing'] as const).entries()) {
    const other = await watched(page, how);
    await pay(page, node, 3 + place);
    expect((await other.seen()).signatures, how).toBe(how === 'missing' ? 0 : 1);
  }
});
