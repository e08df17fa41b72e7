// Every page twice: alive, and with JavaScript off. The guard fails a test whose page logs a fault.
import { findLinked, linked, pages } from '../support/pages';
import { ensurePayment } from '../support/payment';
import { expect, hydrated, test, waitForHeight } from '../support/test';

test.beforeAll(async ({ browser, node }) => ensurePayment(browser, node));
test.beforeEach(async ({ node }) => waitForHeight(node, 3));

for (const alive of [true, false]) {
  test.describe(alive ? 'hydrated' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled: alive });

    for (const [name, path] of Object.entries(pages)) {
      test(`${name} can be read`, async ({ page }) => {
        const answer = await page.goto(path);
        expect(answer?.status()).toBe(200);
        await expect(page.locator('main').getByRole('heading', { level: 1 })).toBeVisible();
        await expect(page).toHaveTitle(/Tally/);
        if (alive) await hydrated(page);
      });
    }

    for (const name of Object.keys(linked)) {
      test(`${name} can be read`, async ({ page }) => {
        const path = await findLinked(page, name);
        expect(path, `there is a ${name} to show`).toBeDefined();
        const answer = await page.goto(path ?? '');
        expect(answer?.status()).toBe(200);
        await expect(page.locator('main').getByRole('heading', { level: 1 })).toBeVisible();
        if (alive) await hydrated(page);
      });
    }
  });
}

test('an unknown block, transaction and account are real 404 pages', async ({ page, guard }) => {
  guard.allow(/status of 404/);
  for (const path of ['/block/999999999', `/block/${'00'.repeat(32)}`, `/tx/0x${'00'.repeat(32)}`, '/account/nobody']) {
    expect((await page.goto(path))?.status(), path).toBe(404);
    await hydrated(page);
  }
});
