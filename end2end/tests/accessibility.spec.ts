// WCAG 2.2 AA on every page, phone and desktop, dark and light; and the whole way with the keyboard alone.
import { expectAccessible } from '../support/accessible';
import { keyboard } from '../support/keyboard';
import { findLinked, linked, pages } from '../support/pages';
import { ensurePayment } from '../support/payment';
import { emptyWallet } from '../support/saved';
import { expect, hydrated, open, test, waitForHeight, type Page } from '../support/test';
import { PASSWORD, addressOf, checkBack, choosePassword, opened, shownPhrase } from '../support/wallet';

test.beforeAll(async ({ browser, node }) => ensurePayment(browser, node));
test.beforeEach(async ({ node }) => waitForHeight(node, 3));

for (const [name, path] of Object.entries(pages)) {
  test(`${name} is accessible`, async ({ page }) => {
    await open(page, path);
    await expectAccessible(page, name);
  });
}

for (const name of Object.keys(linked)) {
  test(`${name} is accessible`, async ({ page }) => {
    const path = await findLinked(page, name);
    await open(page, path ?? '');
    await expectAccessible(page, name);
  });
}

test('an unknown page and a search without a find are accessible', async ({ page, guard }) => {
  guard.allow(/status of 404/);
  for (const path of ['/no/such/page', '/search?q=nothing']) {
    await page.goto(path);
    await hydrated(page);
    await expectAccessible(page, path);
  }
});

test('every page of the wallet is accessible', async ({ page }) => {
  test.setTimeout(600_000);
  await open(page, '/wallet');
  await expectAccessible(page, 'wallet, none yet');
  await open(page, '/wallet/restore');
  await expectAccessible(page, 'wallet, restore');
  await open(page, '/wallet/create');
  await expectAccessible(page, 'wallet, create: choose');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const words = await shownPhrase(page);
  await expectAccessible(page, 'wallet, create: write down');
  await page.getByRole('button', { name: 'I have written them down' }).click();
  for (const field of await page.getByLabel(/^Word \d+$/).all()) await field.fill('wrong');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expectAccessible(page, 'wallet, create: check, with an error');
  await checkBack(page, words);
  await page.getByLabel('Password', { exact: true }).fill('weak pass');
  await expectAccessible(page, 'wallet, create: protect');
  await choosePassword(page);
  await opened(page);
  await page.getByRole('button', { name: 'Get test coins' }).click();
  await expect(page.locator('.wallet-account .amount').first()).toContainText('100', { timeout: 60_000 });
  await expectAccessible(page, 'wallet, open');
  for (const name of ['Receive', 'History', 'Address book', 'Shared', 'Documents', 'Keys', 'Back up', 'Send']) {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name }).click();
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    await expect(page.locator('.skeleton')).toHaveCount(0);
    await expectAccessible(page, `wallet, ${name}`);
  }
  await page.getByRole('button', { name: 'Review' }).click();
  await expectAccessible(page, 'wallet, send: errors');
  await page.getByLabel('To', { exact: true }).fill('0x52908400098527886e0f7030069857d2e4169ee7');
  await page.getByLabel(/^Amount in/).fill('99');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText('You have not paid this address before')).toBeVisible();
  await expectAccessible(page, 'wallet, send: review with warnings');
  await page.getByRole('button', { name: 'Sign and send' }).click();
  await expect(page.locator('.follow-line')).toContainText('confirmation', { timeout: 60_000 });
  await expectAccessible(page, 'wallet, send: on its way');
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await expect(page.getByText('The password is wrong.')).toBeVisible();
  await expectAccessible(page, 'wallet, locked');
});

test('a fault is found where there is one', async ({ page }) => {
  await open(page, '/settings');
  await page.evaluate(() => document.querySelector('label[for="theme"]')?.remove());
  const failed = await expectAccessible(page, 'settings').catch(String);
  for (const look of ['phone, light', 'phone, dark', 'desktop, light', 'desktop, dark']) {
    expect(failed, 'it is found in each look').toContain(`settings (${look}): select-name`);
  }
});

test('from nothing to a payment with the keyboard alone', async ({ page }) => {
  test.setTimeout(240_000);
  await open(page, '/wallet');
  const keys = keyboard(page);
  await keys.press('link', 'Create a wallet');
  await keys.press('button', 'Make the phrase');
  const words = await shownPhrase(page);
  await keys.press('button', 'I have written them down');
  await expect(page.getByLabel(/^Word \d+$/)).toHaveCount(3);
  for (const field of await page.getByLabel(/^Word \d+$/).all()) {
    const position = Number((await field.getAttribute('name'))?.replace('word-', ''));
    await keys.type(`Word ${position}`, words[position - 1] ?? '');
  }
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible();
  await keys.type('Password', PASSWORD);
  await keys.type('The same again', PASSWORD);
  await page.keyboard.press('Enter');
  await opened(page);
  await keys.press('button', 'Get test coins', ' ');
  await expect(page.locator('.wallet-account .amount').first()).toContainText('100', { timeout: 60_000 });
  const to = await addressOf(page, 'ECC account');
  await keys.press('link', 'Send');
  await expect(page.getByRole('heading', { level: 1, name: 'Send' })).toBeVisible();
  await keys.type('To', to);
  await keys.type(/^Amount in/, '1.5');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Is this what you want to sign?' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign and send' })).toBeEnabled();
  await keys.press('button', 'Sign and send');
  await expect(page.locator('.follow-line')).toContainText('confirmation', { timeout: 60_000 });
  await keys.press('link', 'To the accounts');
  await expect(page.locator('.wallet-account').filter({ hasText: to.slice(0, 6) })).toContainText('1.5', { timeout: 60_000 });
});

test('every control of every wallet page is reached with Tab, and the focus is seen', async ({ page, node }) => {
  test.setTimeout(240_000);
  await emptyWallet(page, node);
  // No block comes in between and draws the page again.
  await node.mine(false);
  for (const name of ['Accounts', 'Send', 'Receive', 'History', 'Address book', 'Shared', 'Documents', 'Back up', 'Keys']) {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name }).click();
    await expect(page.getByRole('heading', { level: 1, name: name === 'Accounts' ? 'Wallet' : name })).toBeVisible();
    await expect(page.locator('.skeleton')).toHaveCount(0);
    expect(await unreached(page), name).toEqual([]);
  }
  await node.mine(true);
});

/** What of the page Tab does not reach, or reaches unseen. */
async function unreached(page: Page): Promise<string[]> {
  const count = await page.evaluate(() => {
    const controls = 'a[href], button:not([disabled]), input:not([disabled]), select, textarea, summary, [tabindex="0"]';
    const all = [...document.querySelectorAll<HTMLElement>('main *')].filter((element) => {
      // Of a group of radio buttons Tab reaches the one that is chosen.
      const chosen = !(element instanceof HTMLInputElement && element.type === 'radio') || element.checked;
      return element.matches(controls) && element.checkVisibility() && chosen;
    });
    const own = window as unknown as { unreached: Set<HTMLElement>; unseen: HTMLElement[] };
    own.unreached = new Set(all);
    own.unseen = [];
    document.getElementById('main')!.focus();
    return all.length;
  });
  for (let step = 0; step < count + 5; step++) {
    await page.keyboard.press('Tab');
    await page.evaluate(() => {
      const own = window as unknown as { unreached: Set<HTMLElement>; unseen: HTMLElement[] };
      const here = document.activeElement as HTMLElement;
      if (own.unreached.delete(here) && getComputedStyle(here).outlineStyle === 'none') own.unseen.push(here);
    });
  }
  return page.evaluate(() => {
    const own = window as unknown as { unreached: Set<HTMLElement>; unseen: HTMLElement[] };
    return [...own.unreached, ...own.unseen].map((element) => element.outerHTML.slice(0, 120));
  });
}
