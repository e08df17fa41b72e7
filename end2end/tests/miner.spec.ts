// The node's own miner, as its operator sees it.
import { expectAccessible } from '../support/accessible';
import { expect, open, test, waitForHeight } from '../support/test';

test.use({ nativeMiner: true });
test.beforeEach(async ({ node }) => waitForHeight(node, 3));

test('the operator switches the miner; the token leaves the address', async ({ page, node }) => {
  await open(page, node.operatorLink.replace('/#', '/mining#'));
  await expect(page).toHaveURL(/\/mining$/);
  await page.getByRole('button', { name: 'Stop the miner' }).click();
  await page.getByRole('button', { name: 'Start the miner' }).click();
  await expect(page.getByRole('button', { name: 'Stop the miner' })).toBeEnabled();
});

test('pages of a node that mines are accessible', async ({ page }) => {
  for (const [path, name] of [['/', 'dashboard of a node that mines'], ['/mining', 'mining of a node that mines']] as const) {
    await open(page, path);
    await expectAccessible(page, name);
  }
});
