// Pages that an extension or a translator has changed, before and after they are brought to life.
import { expect, hydrated, open, test, type Page } from '../support/test';
import { createWallet, shownPhrase } from '../support/wallet';

/** What Google Translate does: each text node becomes <font><font>text</font></font>; again after every change. */
async function translate(page: Page): Promise<void> {
  await page.evaluate(() => {
    const wrap = (root: Node) => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode()) texts.push(walker.currentNode as Text);
      for (const text of texts) {
        const parent = text.parentElement;
        if (!text.data.trim() || !parent || parent.closest('[translate="no"], script, style, font, textarea, option')) continue;
        const [outer, inner] = [document.createElement('font'), document.createElement('font')];
        inner.textContent = text.data.toUpperCase();
        outer.append(inner);
        parent.replaceChild(outer, text);
      }
    };
    wrap(document.body);
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(wrap))).observe(document.body, { childList: true, subtree: true });
  });
}

/** Changes of the page before its script runs, by name. */
const early: Record<string, () => void> = {
  'an element put first': () =>
    document.addEventListener('DOMContentLoaded', () => document.body.prepend(document.createElement('x-extension'))),
  'text wrapped by a translator': () =>
    document.addEventListener('DOMContentLoaded', () => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode()) texts.push(walker.currentNode as Text);
      for (const text of texts.filter((text) => text.data.trim() && !text.parentElement?.closest('script, style'))) {
        const font = document.createElement('font');
        text.replaceWith(font);
        font.append(text);
      }
    }),
};

for (const [what, change] of Object.entries(early)) {
  test(`${what} before the page is alive: it is rendered anew`, async ({ page, guard }) => {
    guard.allow(/panicked|unreachable|RuntimeError|hydration|expected|unwrap/i); // the first try
    await page.addInitScript(change);
    await page.goto('/', { waitUntil: 'commit' }); // it is loaded twice
    await hydrated(page);
    for (const path of ['/blocks', '/wallet', '/settings']) await open(page, path);
    await expect(page.locator('#page-stopped')).toHaveCount(0);
    // It is alive: links lead on, the chain is known, and a wallet is made.
    await open(page, '/');
    await page.getByRole('navigation', { name: 'Main' }).locator('a[href="/blocks"]').click();
    await expect(page).toHaveURL(/\/blocks$/);
    await expect(page.locator('.foot')).toContainText('test (chain 8549)');
    await expect(page.locator('.live-word')).toHaveText('Live');
    await createWallet(page);
  });
}

test('where nothing helps, the page shows that', async ({ page, guard }) => {
  guard.allow(/./);
  // As an extension that breaks every try: the page's module is there, but what it calls is not.
  await page.route('**/tally.js', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: 'const fail = () => { throw new WebAssembly.RuntimeError("unreachable"); }; export default async () => {}; export const load = async () => {}; export { fail as hydrate, fail as render_anew };',
    }),
  );
  await page.goto('/');
  await expect(page.getByText('This page stopped working.')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('a page that is translated later lives on, and no id, amount or word of a phrase is touched', async ({ page }) => {
  await open(page, '/blocks');
  await translate(page);
  await expect(page.locator('main font').first()).toBeAttached();
  await expect(page.locator('.id font, .amount font'), 'ids and amounts stay as they are').toHaveCount(0);
  const newest = page.locator('a[href^="/block/"]').first();
  const before = await newest.getAttribute('href');
  await expect(newest).not.toHaveAttribute('href', before!);
  await hydrated(page);
  await open(page, '/wallet/create');
  await page.getByRole('button', { name: 'Make the phrase' }).click();
  const words = page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem');
  const list = await shownPhrase(page);
  await translate(page);
  expect(await words.allTextContents()).toEqual(list);
});
