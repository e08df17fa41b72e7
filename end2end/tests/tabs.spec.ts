// Many tabs of one node: one stream of events for all, none while all are out of view.
import { give } from '../support/coins';
import { expect, open, test, waitForHeight, type Page } from '../support/test';
import { publicWallet } from '../support/saved';
import { addressOf, card, createWallet, manage, opened, unlock } from '../support/wallet';

const STREAM = '/api/v1/events';
const live = (page: Page) => expect(page.locator('.live-word')).toHaveText('Live');

/** Shows or hides a tab as a browser does when another comes before it; headless ones are all in view. */
async function show(page: Page, shown: boolean): Promise<void> {
  await page.evaluate((shown) => {
    Object.defineProperty(document, 'hidden', { value: !shown, configurable: true });
    Object.defineProperty(document, 'visibilityState', { value: shown ? 'visible' : 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, shown);
}

test('twelve tabs of one node', async ({ page, context, node }) => {
  const streams: Page[] = [];
  context.on('request', (request) => {
    if (request.url().endsWith(STREAM)) streams.push(request.frame().page());
  });
  await createWallet(page);
  await live(page);
  await give(node, await addressOf(page, 'ECC account'), '5');
  const tabs: Page[] = [];
  for (let tab = 2; tab <= 12; tab++) {
    const other = await context.newPage();
    await open(other, ['/', '/blocks', '/mempool', '/network'][tab % 4]!);
    await live(other);
    tabs.push(other);
  }
  expect(streams.length).toBeGreaterThan(0);
  expect(streams.every((holder) => holder === page), 'one tab alone holds a stream').toBe(true);

  // A payment goes through in the first, and those that follow go on with the chain.
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
  const option = page.locator('#from option', { hasText: /^ECC account \(/ });
  await page.getByLabel('From').selectOption((await option.getAttribute('value'))!);
  await page.getByLabel('To', { exact: true }).fill('0x52908400098527886E0F7030069857D2E4169EE7');
  await page.getByLabel(/^Amount in/).fill('1');
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Sign and send' }).click();
  await expect(page.locator('.follow-line')).toContainText('confirmation', { timeout: 60_000 });
  const follower = tabs.find((tab) => new URL(tab.url()).pathname === '/blocks')!;
  const newest = async () => Number((await follower.locator('a[href^="/block/"]').first().textContent())?.replace(/\D/g, ''));
  const before = await newest();
  await waitForHeight(node, before + 2);
  await expect.poll(newest).toBeGreaterThan(before);
});

test('a tab that closes or goes out of view hands the stream on; out of view none is held', async ({ page, context, node }) => {
  let held = 0;
  context.on('request', (request) => request.url().endsWith(STREAM) && held++);
  for (const end of ['requestfailed', 'requestfinished'] as const) {
    context.on(end, (request) => request.url().endsWith(STREAM) && held--);
  }
  await open(page, '/');
  await live(page);
  const second = await context.newPage();
  await open(second, '/blocks');
  await live(second);
  expect(held).toBe(1);

  // The first goes out of view: the second leads.
  const begun = second.waitForRequest((request) => request.url().endsWith(STREAM));
  await show(page, false);
  await begun;
  await live(second);
  await expect.poll(() => held).toBe(1);

  // Both are out of view: the stream is closed, and opened again by the one that comes back.
  await show(second, false);
  await expect.poll(() => held, { message: 'no tab is in view, no stream is open' }).toBe(0);
  await second.close();
  const height = Number((await node.api('status')).height);
  await waitForHeight(node, height + 1);
  expect(held).toBe(0);
  await show(page, true);
  await live(page);
  await expect.poll(() => held).toBe(1);
});

test('an account that another tab put away pays no more: the one that the form shows does', async ({ page, context, node }) => {
  await publicWallet(page, node);
  await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'Send' }).click();
  const from = page.getByLabel('From');
  const option = from.locator('option', { hasText: /^ECC account \(/ });
  const archived = (await option.getAttribute('value'))!;
  await from.selectOption(archived);
  await page.getByLabel('To', { exact: true }).fill('0x52908400098527886E0F7030069857D2E4169EE7');
  await page.getByLabel(/^Amount in/).fill('1');

  const second = await context.newPage();
  await open(second, '/wallet');
  await unlock(second);
  await opened(second);
  await manage(second, 'ECC account');
  await card(second, 'ECC account').getByRole('button', { name: 'Archive' }).click();

  await expect(option).toHaveCount(0);
  const shown = await from.inputValue();
  expect(shown).not.toBe(archived);
  await page.getByRole('button', { name: 'Review' }).click();
  const sender = page.locator('.fact').filter({ has: page.getByText('From', { exact: true }) }).locator('dd');
  await expect(sender).toHaveText(shown);
});
