// A payment whose answer is lost: it is found by its id, sent again as it is, and never paid twice unknowingly.
import { Guard } from '../support/guard';
import { emptyWallet, publicWallet } from '../support/saved';
import { expect, open, TallyNode, test, type Page } from '../support/test';
import { addressOf, card, manage, opened, picture, unlock } from '../support/wallet';

const FRIEND = '0x52908400098527886E0F7030069857D2E4169EE7';
const POST = '**/api/v1/transactions';

let node: TallyNode;
let guard: Guard;

test.afterEach(async () => {
  const faults = [...(guard?.faults ?? [])];
  await node?.kill();
  expect(faults, 'nothing on the pages went wrong').toEqual([]);
});

/** A wallet with coins, at a node that mines on request. */
async function start(browser: import('@playwright/test').Browser): Promise<Page> {
  node = await TallyNode.start({ mine: false });
  const context = await browser.newContext({ baseURL: node.url });
  const page = await context.newPage();
  guard = new Guard(context, node.url);
  guard.allow(/Failed to load resource/); // the answers that are lost here
  await publicWallet(page, node);
  return page;
}

async function review(page: Page, amount: string): Promise<void> {
  for (const name of ['Accounts', 'Send']) {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name }).click();
  }
  const option = page.locator('#from option', { hasText: /^ECC account \(/ });
  await page.getByLabel('From').selectOption((await option.getAttribute('value'))!);
  await page.getByLabel('To', { exact: true }).fill(FRIEND);
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByRole('heading', { name: 'Is this what you want to sign?' })).toBeVisible();
  await expect(page.getByText('Looking at the recipient')).toBeHidden();
}

const sign = (page: Page) => page.getByRole('button', { name: 'Sign and send' });
const pool = async () => (await node.api('mempool')).items as { id: string }[];
const doubt = (page: Page) => page.getByText('The payment may have been accepted');

/** What is posted, and what becomes of it, one after the other. */
async function posts(page: Page, fates: ('pass' | 'lose the answer' | 'lose it' | 'proxy' | 'too many')[]): Promise<string[]> {
  const sent: string[] = [];
  await page.route(POST, async (route) => {
    sent.push(route.request().postData() ?? '');
    const fate = fates.shift() ?? 'pass';
    if (fate === 'lose it') return route.abort('connectionreset');
    if (fate === 'proxy') return route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' });
    if (fate === 'too many') {
      const json = { type: '/problems/too-many-requests', title: 'Too many requests', status: 429, detail: 'Wait 3 s.' };
      return route.fulfill({ status: 429, contentType: 'application/problem+json', json });
    }
    const answer = await route.fetch();
    return fate === 'pass' ? route.fulfill({ response: answer }) : route.abort('connectionreset');
  });
  return sent;
}

test('the node accepted it, the answer was lost: it is followed by its id', async ({ browser }) => {
  const page = await start(browser);
  const sent = await posts(page, ['lose the answer']);
  await review(page, '7');
  await sign(page).click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  expect(sent.length).toBe(1);
  expect((await pool()).length).toBe(1);

  // The same order again is warned of, by the one that waits.
  await review(page, '7');
  const warning = page.getByRole('alert').filter({ hasText: 'The same payment waits already' });
  await expect(warning).toContainText((await pool())[0]!.id);
  await expect(sign(page)).toBeDisabled();
  await picture(page, 'wallet-equal-waits');
  await warning.getByRole('checkbox').check();
  await expect(sign(page)).toBeEnabled();
  // Another amount is another payment.
  await review(page, '8');
  await expect(sign(page)).toBeEnabled();
});

test('test coins that wait are not signed a second time without a yes', async ({ browser }) => {
  node = await TallyNode.start({ mine: false });
  const context = await browser.newContext({ baseURL: node.url });
  const page = await context.newPage();
  guard = new Guard(context, node.url);
  await emptyWallet(page, node);
  const sent = await posts(page, ['pass', 'pass']);
  const get = page.getByRole('button', { name: 'Get test coins' });
  await get.click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  await open(page, '/wallet');
  await unlock(page);
  await opened(page);
  await get.click();
  const warning = page.getByRole('alert').filter({ hasText: 'The same payment waits already' });
  await expect(warning).toContainText((await pool())[0]!.id);
  await expect(sign(page)).toBeDisabled();
  expect(sent.length).toBe(1);
  await warning.getByRole('checkbox').check();
  await sign(page).click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  expect(sent.length).toBe(2);
  expect((await pool()).length).toBe(2);
});

test('it never arrived: the doubt is named, and the same bytes pay once', async ({ browser }) => {
  const page = await start(browser);
  const sent = await posts(page, ['lose it', 'proxy', 'lose the answer']);
  const friend = async () => (await node.api(`accounts/${FRIEND}`)).balance as string;
  await review(page, '7');
  await sign(page).click();
  await expect(doubt(page)).toBeVisible();
  await expect(page.getByText(/no answer came.*Its id is 0x[0-9a-f]{64}\./)).toBeVisible();
  await expect(page.getByText('No coins moved')).toBeHidden();
  await expect(sign(page)).toBeHidden();
  await picture(page, 'wallet-in-doubt');
  const again = page.getByRole('button', { name: 'Send the same bytes again' });
  await again.click();
  await expect(page.getByText(/the answer with status 502 is not one of a Tally node/)).toBeVisible();
  await again.click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  expect(sent.length).toBe(3);
  expect(new Set(sent).size, 'the same bytes each time').toBe(1);
  await node.mine(true);
  await expect.poll(friend, { timeout: 60_000 }).toBe('7000000000000000000');
});

test('rejected after a lost answer it stays in doubt, on the page and in the history', async ({ browser }) => {
  const page = await start(browser);
  const sent = await posts(page, ['lose it', 'too many', 'too many', 'pass']);
  await review(page, '7');
  await sign(page).click();
  await expect(page.getByText(/no answer came/)).toBeVisible();
  await page.getByRole('button', { name: 'Send the same bytes again' }).click();
  const open = page.getByText(/the first copy may have been accepted\. Sent again, the node answers: Too many requests: Wait 3 s\. Its id is 0x/);
  await expect(open).toBeVisible();
  await expect(doubt(page)).toBeVisible();
  await expect(page.getByText('No coins moved')).toBeHidden();
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();
  await page.getByLabel('Account', { exact: true }).selectOption(await addressOfSender(page));
  const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
  await lost.getByRole('button', { name: 'Send it again' }).click();
  await expect(open).toBeVisible();
  await expect(page.getByText('No coins moved')).toBeHidden();
  await lost.getByRole('button', { name: 'Send it again' }).click();
  await expect(lost).toBeHidden();
  expect(new Set(sent).size, 'the same bytes each time').toBe(1);
  expect(sent.length).toBe(4);
});

test('what is in doubt stands in the history, and is sent again from there', async ({ browser }) => {
  const page = await start(browser);
  const sent = await posts(page, ['lose it']);
  await review(page, '7');
  await sign(page).click();
  await expect(doubt(page)).toBeVisible();
  // Made again it has the same nonce, so only one of the two can happen: nothing to warn of.
  await review(page, '7');
  await expect(page.getByText('The same payment may have been accepted already')).toBeHidden();
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();
  await page.getByLabel('Account', { exact: true }).selectOption(await addressOfSender(page));
  const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
  await expect(lost.getByText('In doubt', { exact: true })).toBeVisible();
  await picture(page, 'wallet-doubt-in-history');
  await lost.getByRole('button', { name: 'Send it again' }).click();
  await expect(lost).toBeHidden();
  expect(sent[1]).toBe(sent[0]);
  expect((await pool()).length).toBe(1);
});

test('what is in doubt of an archived account stays in the history, and is sent again from there', async ({ browser }) => {
  const page = await start(browser);
  const sent = await posts(page, ['lose it']);
  await review(page, '7');
  await sign(page).click();
  await expect(doubt(page)).toBeVisible();
  const wallet = page.getByRole('navigation', { name: 'Wallet' });
  await wallet.getByRole('link', { name: 'Accounts' }).click();
  const address = await addressOf(page, 'ECC account');
  await manage(page, 'ECC account');
  await card(page, 'ECC account').getByRole('button', { name: 'Archive' }).click();
  await expect(page.getByText('Archived accounts')).toBeVisible();
  await wallet.getByRole('link', { name: 'History' }).click();
  await expect(page.getByLabel('Account', { exact: true }).locator(`option[value="${address}"]`)).toHaveCount(0);
  const title = 'In doubt, from accounts that are not in the list';
  const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: title }) });
  await expect(lost.getByText('In doubt', { exact: true })).toBeVisible();
  await expect(lost.locator(`a[href$="/account/${address}"]`)).toBeVisible();
  await picture(page, 'wallet-doubt-of-archived');
  await lost.getByRole('button', { name: 'Send it again' }).click();
  await expect(lost).toBeHidden();
  expect(sent[1]).toBe(sent[0]);
  expect((await pool()).length).toBe(1);
});

test('a nonce that another payment used leaves it in doubt, until its owner gives it up', async ({ browser }) => {
  const page = await start(browser);
  await posts(page, ['lose it', 'pass', 'pass']);
  await review(page, '7');
  await sign(page).click();
  await expect(doubt(page)).toBeVisible();
  // Another of the same nonce gets into a block.
  await review(page, '8');
  await sign(page).click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  await node.mine(true);
  await expect(page.locator('.follow-line')).toContainText('confirmation', { timeout: 60_000 });
  await node.mine(false);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();
  await page.getByLabel('Account', { exact: true }).selectOption(await addressOfSender(page));
  const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
  await expect(lost.getByText('In doubt', { exact: true })).toBeVisible();
  await expect(lost.getByText('another payment took it, unless this one is in a block')).toBeVisible();
  await expect(lost.getByRole('button', { name: 'Send it again' })).toBeHidden();
  await lost.getByRole('button', { name: 'Dismiss', exact: true }).click();
  await lost.getByRole('button', { name: 'Keep it' }).click();
  await expect(lost.getByText('In doubt', { exact: true })).toBeVisible();
  await lost.getByRole('button', { name: 'Dismiss', exact: true }).click();
  await lost.getByRole('button', { name: 'Dismiss it' }).click();
  await expect(lost).toBeHidden();
});

test('where the node does not answer whether an equal payment waits, a yes is needed', async ({ browser }) => {
  const page = await start(browser);
  const failed = page.getByRole('alert').filter({ hasText: 'It could not be checked whether the same payment waits already' });
  // The list of what waits.
  await page.route('**/api/v1/accounts/*/pending', (route) => route.abort('connectionreset'));
  await review(page, '7');
  await expect(failed).toBeVisible();
  await expect(sign(page)).toBeDisabled();
  await picture(page, 'wallet-equal-unchecked');
  await failed.getByRole('checkbox').check();
  await sign(page).click();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  await page.unroute('**/api/v1/accounts/*/pending');
  await review(page, '8');
  await expect(failed).toBeHidden();
  await expect(sign(page)).toBeEnabled();
  // What became of the one that was sent.
  await page.route(/\/ui\/transaction\?/, (route) => route.abort('connectionreset'));
  await review(page, '7');
  await expect(failed).toBeVisible();
  await expect(sign(page)).toBeDisabled();
});

test('that a request to the node failed is shown until it answers again', async ({ browser }) => {
  const page = await start(browser);
  const proofs = /\/api\/v1\/accounts\/0x\w+\?proof=true/;
  await page.route('**/api/v1/fees', (route) => route.abort('connectionreset'));
  await page.route(proofs, (route) => route.abort('connectionreset'));
  const balances = page.getByText('Balances could not be read');
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
  const fees = page.getByText('The request to the node failed');
  await expect(fees).toBeVisible();
  await page.unroute('**/api/v1/fees');
  await node.mine(true);
  await expect(fees).toBeHidden({ timeout: 60_000 });
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Accounts' }).click();
  await expect(balances).toBeVisible();
  await page.unroute(proofs);
  await expect(balances).toBeHidden({ timeout: 60_000 });
});

test('two tabs that send in the same instant both keep what they sent', async ({ browser }) => {
  const page = await start(browser);
  const second = await page.context().newPage();
  await open(second, '/wallet');
  await unlock(second);
  await opened(second);
  await posts(second, ['lose it']);
  await review(page, '7');
  await review(second, '8');
  // The first tab has read the list, and takes its time to write it.
  await page.evaluate(() => {
    const set = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
      if (key.startsWith('tally.sent.')) {
        Storage.prototype.setItem = set;
        console.log('about to write');
        const until = performance.now() + 3_000;
        while (performance.now() < until);
      }
      return set.call(this, key, value);
    };
  });
  const writes = page.waitForEvent('console', (message) => message.text() === 'about to write');
  const signed = sign(page).click();
  await writes;
  await sign(second).click();
  await signed;
  await expect(doubt(second)).toBeVisible();
  await expect(page.locator('.follow-line')).toContainText('Pending');
  const kept = () =>
    second.evaluate(() => {
      const lists = Object.entries(localStorage).filter(([key]) => key.startsWith('tally.sent.'));
      return lists.flatMap(([, list]) => JSON.parse(list) as { acknowledged: boolean }[]).map((sent) => sent.acknowledged);
    });
  await expect.poll(kept).toEqual([true, false]);
});

for (const how of ['is full', 'takes nothing'] as const) {
  test(`what a storage that ${how} did not keep is not sent`, async ({ browser }) => {
    const page = await start(browser);
    const sent = await posts(page, []);
    await page.evaluate((how) => {
      const set = Storage.prototype.setItem;
      Storage.prototype.setItem = function (key, value) {
        if (!key.startsWith('tally.sent.')) return set.call(this, key, value);
        if (how === 'is full') throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      };
      (window as any).restoreStorage = () => (Storage.prototype.setItem = set);
    }, how);
    await review(page, '7');
    await sign(page).click();
    await expect(page.getByText('The payment was not sent', { exact: true })).toBeVisible();
    const why = how === 'is full' ? 'the storage of this browser is full, or takes nothing' : 'could not be read back';
    await expect(page.getByText(why)).toBeVisible();
    await expect(page.getByText('No coins moved.')).toBeVisible();
    await picture(page, `wallet-not-kept-${how.replaceAll(' ', '-')}`);
    expect(sent.length).toBe(0);
    expect((await pool()).length).toBe(0);
    // With room again it is sent.
    await page.evaluate(() => (window as any).restoreStorage());
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Review' }).click();
    await expect(sign(page)).toBeEnabled();
    await sign(page).click();
    await expect(page.locator('.follow-line')).toContainText('Pending');
    expect(sent.length).toBe(1);
  });
}

test('a refusal is a refusal, and a wrong clock is named', async ({ browser }) => {
  const page = await start(browser);
  await page.route(POST, (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      headers: { date: new Date(Date.now() - 20 * 60_000).toUTCString() },
      json: {
        type: '/problems/transaction-from-the-future',
        title: "The transaction's time is ahead of the chain's",
        status: 422,
        detail: 'timestamp 1795827604 is more than 600 s ahead of the block\'s time 1795826944',
      },
    }),
  );
  await review(page, '7');
  await sign(page).click();
  await expect(page.getByText("This device's clock is 20 min ahead of the node's.")).toBeVisible();
  await expect(page.getByText('No coins moved.')).toBeVisible();
  await expect(page.getByText('someone else may be taking')).toBeHidden();
  await expect(sign(page)).toBeDisabled();
  await picture(page, 'wallet-clocks-differ');
  await page.getByRole('button', { name: 'Back' }).click();
  // Nothing of it is kept as sent.
  expect(await page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith('tally.sent.')).map(([, value]) => value))).toEqual(['[]']);
});

async function addressOfSender(page: Page): Promise<string> {
  const option = page.locator('select option', { hasText: /^ECC account \(/ }).first();
  return (await option.getAttribute('value'))!;
}
