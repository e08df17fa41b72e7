// The focus of the keyboard stays where it is while blocks come and the page around it changes.
import { expect, open, test, waitForHeight } from '../support/test';
import type { Locator, Page } from '@playwright/test';

/** On each page a link that is redrawn with every block, and a text that then is another. */
const places: [string, (page: Page) => { link: Locator; changes: Locator }][] = [
  ['/blocks', (page) => both(page.getByRole('table', { name: 'Blocks' }).locator('tbody a').first())],
  ['/', (page) => both(page.getByRole('region', { name: 'Latest blocks' }).locator('li a').first())],
  [
    '/network',
    (page) => {
      const links = page.getByRole('region', { name: 'This node' }).getByRole('link');
      return { link: links.first(), changes: links.nth(1) };
    },
  ],
];

function both(link: Locator) {
  return { link, changes: link };
}

test.beforeEach(async ({ node }) => waitForHeight(node, 6));

for (const [path, find] of places) {
  test(`a link of ${path} keeps the focus when a block is shown`, async ({ page }) => {
    await open(page, path);
    const { link, changes } = find(page);
    await link.focus();
    // The second change is the first between two views that were both rendered here.
    for (let blocks = 0; blocks < 2; blocks++) {
      const before = await changes.innerText();
      await expect(changes).not.toHaveText(before);
      expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
    }
  });
}

test('what the reader goes on to while blocks come has the focus', async ({ page }) => {
  await open(page, '/blocks');
  const { link } = places[0]![1](page);
  await link.focus();
  const search = page.getByRole('searchbox');
  await search.focus();
  const before = await link.innerText();
  await expect(link).not.toHaveText(before);
  await expect(search).toBeFocused();
});
