// The node's own miner, as its operator sees it.
import { expectAccessible } from '../support/accessible';
import { changesOf } from '../support/changes';
import { expect, open, test, waitForHeight, type Page } from '../support/test';

test.use({ nativeMiner: true });
test.beforeEach(async ({ node }) => waitForHeight(node, 3));

test('the operator switches the miner; the token leaves the address', async ({ page, node }) => {
  await open(page, node.operatorLink.replace('/#', '/mining#'));
  await expect(page).toHaveURL(/\/mining$/);
  await page.getByRole('button', { name: 'Stop the miner' }).click();
  await page.getByRole('button', { name: 'Start the miner' }).click();
  await expect(page.getByRole('button', { name: 'Stop the miner' })).toBeEnabled();
});

/** Two further blocks are shown; the first is the first between two views that were both rendered here. */
async function twoBlocks(page: Page): Promise<void> {
  const height = page.locator('.stat').filter({ hasText: 'Next block' }).locator('.stat-value');
  for (let blocks = 0; blocks < 2; blocks++) {
    const before = await height.innerText();
    await expect(height).not.toHaveText(before);
  }
}

test('why the miner was not switched stays on the page while blocks come', async ({ page, guard }) => {
  guard.allow(/status of 401/); // this token is of no operator
  await open(page, '/mining#operator=wrong');
  await page.getByRole('button', { name: 'Stop the miner' }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'The miner was not switched' });
  await expect(alert).toBeVisible();
  const changes = await changesOf(alert);
  await twoBlocks(page);
  expect(await changes()).toBe(0);
  await expect(page.getByRole('button', { name: 'Stop the miner' })).toBeEnabled();
});

test('why the miner is paused is read aloud once, not with every block', async ({ page }) => {
  await page.route('**/ui/mining*', async (route) => {
    const answer = await route.fetch();
    const found = await answer.json();
    found.miner.paused = 'the clock of this machine is wrong';
    await route.fulfill({ response: answer, json: found });
  });
  await open(page, '/mining');
  const alert = page.getByRole('alert').filter({ hasText: 'the clock of this machine is wrong' });
  await expect(alert).toBeVisible();
  const changes = await changesOf(alert);
  await twoBlocks(page);
  expect(await changes()).toBe(0);
  await page.unrouteAll({ behavior: 'wait' });
});

test('pages of a node that mines are accessible', async ({ page }) => {
  for (const [path, name] of [['/', 'dashboard of a node that mines'], ['/mining', 'mining of a node that mines']] as const) {
    await open(page, path);
    await expectAccessible(page, name);
  }
});
