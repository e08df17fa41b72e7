// What the explorer does once it is alive: moves with the chain, checks for itself, shows when it is old.
import { changesOf } from '../support/changes';
import { findLinked } from '../support/pages';
import { ensurePayment } from '../support/payment';
import { TallyNode, expect, hydrated, open, test, waitForHeight } from '../support/test';

const newest = '.notch-newest .notch-height';
const marks = '.verify-line .mark-word';

test.beforeEach(async ({ node }) => waitForHeight(node, 6));

test('the ribbon moves with the chain, and stands still while paused', async ({ page, node }) => {
  await open(page, '/');
  const before = await page.locator(newest).innerText();
  await expect(page.locator(newest)).not.toHaveText(before);
  await page.getByRole('button', { name: 'Pause live updates' }).click();
  await expect(page.locator('.live-word')).toHaveText('Paused');
  // What was being read at that moment still arrives; then nothing moves, however many blocks come.
  const height = async () => Number((await node.api('status')).height);
  await waitForHeight(node, (await height()) + 3);
  const paused = await page.locator(newest).innerText();
  await waitForHeight(node, (await height()) + 3);
  await expect(page.locator(newest)).toHaveText(paused);
  await page.getByRole('button', { name: 'Resume live updates' }).click();
  await expect(page.locator(newest)).not.toHaveText(paused);
});

test('a block is checked in the tab, and so is the one the reader goes on to', async ({ page }) => {
  await open(page, '/block/3');
  await expect(page.locator(marks)).toHaveText(Array(4).fill('verified here'));
  await page.getByRole('link', { name: 'Newer ›' }).click();
  await expect(page).toHaveTitle('Block 4 · Tally');
  await expect(page.locator(marks)).toHaveText(Array(4).fill('verified here'));
  // Genesis is known by its id.
  await open(page, '/block/0');
  await expect(page.locator(marks)).toHaveText(Array(4).fill('verified here'));
});

test('a figure that differs from the bytes is found', async ({ page }) => {
  await page.route('**/ui/block_evidence*', async (route) => {
    const answer = await route.fetch();
    const { header, manifest } = await answer.json();
    await route.fulfill({ json: { header: header.replace(/.$/, (last: string) => (last === '0' ? '1' : '0')), manifest } });
  });
  await open(page, '/block/3');
  await expect(page.locator(marks).first()).toHaveText('does not hold');
  await page.unrouteAll({ behavior: 'wait' });
});

test('the title of a page that was redrawn goes with the page', async ({ browser, page, node }) => {
  await ensurePayment(browser, node);
  await open(page, (await findLinked(page, 'transaction'))!);
  const confirmations = page.locator('.stat').filter({ hasText: 'Status' }).locator('.stat-note');
  for (let blocks = 0; blocks < 2; blocks++) {
    const before = await confirmations.innerText();
    await expect(confirmations).not.toHaveText(before);
  }
  await expect(page).toHaveTitle(/^.+ · Tally$/);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  const read = /\/ui\/block\?/;
  await page.route(read, async (route) => {
    await held;
    await route.continue();
  });
  const request = page.waitForRequest(read);
  await page.locator('main a[href^="/block/"]').first().click();
  await request;
  await expect(page).toHaveTitle('Tally');
  release();
  await expect(page).toHaveTitle(/^Block [\d,]+ · Tally$/);
  await page.unrouteAll({ behavior: 'wait' });
});

test('a read that fails again for the same reason is read aloud once', async ({ page, guard }) => {
  guard.allow(/Failed to load resource/); // the reads that fail here
  await open(page, '/blocks');
  const read = /\/ui\/blocks\?/;
  await page.route(read, (route) => route.abort('connectionreset'));
  const alert = page.getByRole('alert').filter({ hasText: 'The blocks could not be read' });
  await expect(alert).toBeVisible();
  const changes = await changesOf(alert);
  // When one of them fails, what the one before came to has been shown.
  for (let reads = 0; reads < 3; reads++) await page.waitForEvent('requestfailed', (request) => read.test(request.url()));
  expect(await changes()).toBe(0);
  await page.unrouteAll({ behavior: 'wait' });
  await expect(alert).toBeHidden();
});

test('tables sort and filter by the URL', async ({ page }) => {
  await open(page, '/blocks');
  await page.getByLabel('Sort by').selectOption('interval');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/\/blocks\?sort=interval&order=desc$/);
  await expect(page.locator('th[aria-sort="descending"]')).toContainText('Interval');
  await page.getByRole('link', { name: 'Size' }).click();
  await expect(page).toHaveURL(/\/blocks\?sort=bytes$/);
  await expect(page.locator('th[aria-sort="descending"]')).toContainText('Size');
});

test('search leads on from the keyboard, and helps where it finds nothing', async ({ page }) => {
  await open(page, '/');
  await page.keyboard.press('/');
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/block\/2$/);
  await page.getByRole('searchbox').fill('99999999');
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toContainText('The chain ends at block');
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('search leads on, and tables turn their pages', async ({ page, node }) => {
    await waitForHeight(node, 25);
    await page.goto('/');
    await page.getByRole('searchbox').fill('2');
    await page.getByRole('searchbox').press('Enter');
    await expect(page).toHaveURL(/\/block\/2$/);
    await page.goto('/blocks?sort=height&order=asc');
    await page.getByRole('link', { name: 'Next page' }).click();
    await expect(page.locator('tbody tr').first()).toContainText('20');
  });
});

test('the theme is there before the first paint', async ({ page }) => {
  await open(page, '/settings');
  await page.getByLabel('Theme', { exact: true }).selectOption('dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  const answer = await page.reload();
  expect(await answer?.text()).toContain('<html lang="en" data-theme="dark">');
});

test('a page whose node is gone shows how old it is', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK/);
  const node = await TallyNode.start();
  try {
    await page.goto(`${node.url}/`);
    await hydrated(page);
    await expect(page.locator('.live-word')).toHaveText('Live');
    await node.stop();
    await expect(page.locator('.live-word')).toHaveText(/Stale, \d+ s old/, { timeout: 40_000 });
    await expect(page.locator('.stat').first()).toBeVisible();
  } finally {
    await node.stop();
  }
});

test('rewards are lines of an account, and older lines follow to the end', async ({ page, node }) => {
  await waitForHeight(node, 25);
  await node.mine(false); // so that only the reader moves the page
  try {
    await open(page, '/block/3');
    await page.locator('a[href*="/account/"]').first().click();
    const table = page.getByRole('table', { name: 'History of the account' });
    const rows = table.locator('tbody tr');
    await expect(rows.filter({ hasText: 'Block reward, block' }).first().locator('.mark')).toHaveText('as told by the node');
    const parts = page.getByRole('navigation', { name: 'Parts of the history' });
    const older = parts.getByRole('link', { name: 'Older ›' });
    const shown = await rows.first().locator('td').first().innerText();
    await older.click();
    await expect(page).toHaveURL(/cursor=/);
    await expect(rows.first().locator('td').first()).not.toHaveText(shown);
    // From part to part until there is nothing older: genesis pays nothing, so block 1 is the last that does.
    for (let part = 0; part < 60; part++) {
      const next = (await older.count()) ? await older.getAttribute('href') : null;
      if (!next) break;
      await open(page, next);
    }
    await expect(rows.last()).toContainText(/Block reward, block 1(?![\d,])/);
    await parts.getByRole('link', { name: '« Newest' }).click();
    await expect(page).not.toHaveURL(/cursor=/);
    // A cursor of no list is named.
    await open(page, `${page.url()}?cursor=zz`);
    await expect(page.getByText('The history does not go on here')).toBeVisible();
  } finally {
    await node.mine(true);
  }
});
