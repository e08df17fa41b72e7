// Steps and pages take each other's place: no element of the one before lives on in the next, with its text, focus or handlers.
import { expect, open, test } from '../support/test';
import type { Locator } from '@playwright/test';

/** The element that the locator finds now: is it in the page later? */
async function held(locator: Locator): Promise<() => Promise<boolean>> {
  const element = await locator.elementHandle();
  return () => element!.evaluate((node) => node.isConnected);
}

test('the button of a step goes with it, and the next one does what it says', async ({ page }) => {
  await open(page, '/wallet/create');
  const make = page.getByRole('button', { name: 'Make the phrase' });
  const isThere = await held(make);
  await make.click();
  const words = page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem');
  await expect(words).toHaveCount(12);
  expect(await isThere()).toBe(false);
  await page.getByRole('button', { name: 'I have written them down' }).click();
  await expect(page.getByLabel(/^Word \d+$/)).toHaveCount(3);
  await page.getByRole('button', { name: 'Start again with a new phrase' }).click();
  await expect(make).toBeVisible();
});

test('the heading of a page goes with it', async ({ page }) => {
  await open(page, '/blocks');
  const heading = page.getByRole('heading', { level: 1 });
  // The second change is the first between two pages that were both rendered here.
  for (const title of ['Transactions', 'Mempool', 'Mining']) {
    const isThere = await held(heading);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: title, exact: true }).click();
    await expect(heading).toHaveText(title);
    await expect(page).toHaveTitle(`${title} · Tally`);
    expect(await isThere()).toBe(false);
  }
});
