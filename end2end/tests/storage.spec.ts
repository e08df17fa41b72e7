// What the browser keeps: the wallet requests storage that lasts, and where nothing is kept it shows that before there is a phrase.
import { emptyWallet } from '../support/saved';
import { expect, open, test } from '../support/test';
import { createWallet, picture } from '../support/wallet';

for (const promise of [true, false]) {
  test(`the wallet requests that the browser keeps the vault, which answers ${promise}`, async ({ page }) => {
    await page.addInitScript((promise) => {
      let requests = 0;
      StorageManager.prototype.persist = async () => (document.documentElement.setAttribute('data-requests', String(++requests)), promise);
    }, promise);
    await open(page, '/wallet');
    await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
    expect(await page.locator('html').getAttribute('data-requests'), 'not before there is a vault').toBeNull();
    await createWallet(page);
    await expect(page.locator('html')).toHaveAttribute('data-requests', '1');
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Back up' }).click();
    const words = promise ? 'This browser keeps the vault until you delete it' : 'This browser may delete the vault';
    await expect(page.getByText(words)).toBeVisible();
    await picture(page, `wallet-backup-kept-${promise}`);
  });
}

test('the database is gone', async ({ page, node }) => {
  await emptyWallet(page, node);
  await page.goto('about:blank');
  await open(page, '/');
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name!);
  });
  await open(page, '/wallet');
  await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
});

test('a browser that gives no local storage shows the pages all the same', async ({ page }) => {
  await page.addInitScript(() => {
    const denied = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    };
    Object.defineProperty(window, 'localStorage', { get: denied });
    Object.defineProperty(window, 'sessionStorage', { get: denied });
  });
  await open(page, '/');
  await page.getByRole('link', { name: 'Blocks', exact: true }).first().click();
  await expect(page.getByRole('heading', { name: 'Blocks', level: 1, exact: true })).toBeVisible();
});

for (const how of ['throws', 'never answers', 'errors'] as const) {
  test(`IndexedDB ${how}`, async ({ page }) => {
    // Workers have their own global: the fake has to come in front of their script.
    await page.route(/wallet-worker\.js$/, async (route) => {
      const answer = await route.fetch();
      const fake = `;(()=>{const h=${JSON.stringify(how)};const f=()=>{if(h==='throws')throw new DOMException('The operation is insecure.','SecurityError');const r=new EventTarget();r.error=new DOMException('no','UnknownError');if(h==='errors')setTimeout(()=>{const e=new Event('error');r.onerror&&r.onerror(e);r.dispatchEvent(e)},10);return r};Object.defineProperty(self.indexedDB.constructor.prototype,'open',{value:f})})();\n`;
      await route.fulfill({ response: answer, body: fake + (await answer.text()) });
    });
    await open(page, '/wallet');
    await expect(page.getByText('The wallet cannot work in this browser')).toBeVisible();
    await expect(page.getByText(/This browser could not keep or read the vault/)).toBeVisible();
    if (how === 'never answers') await expect(page.getByText('did not answer within 8 s')).toBeVisible();
    await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeHidden();
    await picture(page, 'wallet-no-storage');
  });
}
