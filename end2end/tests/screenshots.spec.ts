// Not a test of anything but that every page can be opened: pictures to be looked at by people.
//   SCREENSHOTS=1 npx playwright test --project=screenshots
import { findLinked, linked, pages } from '../support/pages';
import { ensurePayment } from '../support/payment';
import { pictures } from '../support/pictures';
import { expect, open, test, waitForHeight } from '../support/test';

test.beforeAll(async ({ browser, node }) => ensurePayment(browser, node));

for (const [name, path] of Object.entries(pages)) {
  test(`picture of ${name}`, async ({ page, node }) => {
    await waitForHeight(node, 20);
    await open(page, path);
    await pictures(page, name);
  });
}

for (const name of Object.keys(linked)) {
  test(`picture of ${name}`, async ({ page, node }) => {
    await waitForHeight(node, 20);
    const path = await findLinked(page, name);
    expect(path, `there is a ${name} to show`).toBeDefined();
    await open(page, path ?? '');
    await pictures(page, name);
  });
}

test('picture of an unknown page', async ({ page, guard }) => {
  guard.allow(/status of 404/);
  await open(page, '/no/such/page');
  await pictures(page, 'not-found');
});

test('picture of the API documentation', async ({ page }) => {
  await page.goto('/api/docs');
  await expect(page.getByText('/api/v1/blocks').first()).toBeVisible();
  await pictures(page, 'api-docs');
});
