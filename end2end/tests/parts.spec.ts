// The code of the pages comes in parts: what each page loads, when, and what becomes of a part that does not come.
import { expect, hydrated, open, test, type Page } from '../support/test';

/** Files of workers, which have budgets of their own. */
const OF_WORKERS = /\/(light|workers|[a-z]+-worker)\.(js|wasm)$/;

/** The parts of the code that a page has requested, by name, and the bytes of all files of the build that it was sent for itself. */
function requested(page: Page): { parts: () => string[]; bytes: () => Promise<number> } {
  const files = new Map<string, Promise<number>>();
  page.on('requestfinished', (request) => {
    const path = new URL(request.url()).pathname;
    if (path.startsWith('/pkg/') && !OF_WORKERS.test(path)) files.set(path, request.sizes().then((sizes) => sizes.responseBodySize));
  });
  return {
    parts: () => [...files.keys()].map((path) => /split_(\w+)\.wasm$/.exec(path)?.[1]).filter((part) => part !== undefined),
    bytes: async () => (await Promise.all(files.values())).reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** Bytes of scripts, styles and WASM that the dashboard or a list may weigh as it is sent: the budget in xtask/src/budget.rs. */
const MOST = 380_000;

/** Marks a document, so that it can be distinguished from one that was loaded later. */
const mark = (page: Page) => page.evaluate(() => void Object.assign(window, { marked: true }));
const isMarked = (page: Page) => page.evaluate(() => 'marked' in window);

const link = (page: Page, path: string) => page.getByRole('navigation', { name: 'Main' }).locator(`a[href="${path}"]`);
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

for (const [path, part] of [
  ['/', 'dashboard'],
  ['/blocks', 'lists'],
] as const) {
  test(`${path} loads its own part of the code, and less than ${MOST} bytes in all`, async ({ page }) => {
    const seen = requested(page);
    // What a page at rest loads early is not answered, and so not counted.
    await page.route('**/split_details.wasm', () => {});
    await open(page, path);
    await expect.poll(() => seen.parts()).toEqual([part]);
    expect(await seen.bytes()).toBeLessThanOrEqual(MOST);
  });
}

test('a block is alive without the code of its checks, which comes then', async ({ page }) => {
  const seen = requested(page);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/split_proofs.wasm', async (route) => {
    await held;
    await route.continue();
  });
  await open(page, '/block/0');
  await expect.poll(() => seen.parts()).toEqual(['details']);
  release();
  await expect(page.locator('.verify-line').first()).toContainText(/verified/i);
  expect(seen.parts()).toContain('proofs');
});

test('the server names the part of a page, so that it is requested with the rest', async ({ request }) => {
  for (const [path, ...parts] of [
    ['/', 'dashboard'],
    ['/blocks', 'lists'],
    ['/tx/0x00', 'details'],
    ['/mining', 'operations'],
    ['/receipt', 'receipt'],
    ['/wallet/send', 'wallet'],
    ['/wallet/history', 'history', 'wallet'],
  ] as const) {
    const html = await (await request.get(path)).text();
    const preloaded = [...html.matchAll(/rel="preload"[^>]*split_(\w+)\.wasm/g), ...html.matchAll(/split_(\w+)\.wasm"[^>]*rel="preload"/g)];
    expect(preloaded.map((found) => found[1]).sort(), path).toEqual(parts);
  }
});

test('a link that is pointed at or focused has its part loaded before it is followed', async ({ page }) => {
  const seen = requested(page);
  await open(page, '/blocks');
  await link(page, '/mining').hover();
  await expect.poll(() => seen.parts()).toContain('operations');
  await link(page, '/receipt').focus();
  await expect.poll(() => seen.parts()).toContain('receipt');
  await expect(page).toHaveURL(/\/blocks$/);
  expect(seen.parts(), 'nobody pointed at the wallet').not.toContain('wallet');
});

test('the page before stays until the part of the next one is there', async ({ page }) => {
  await open(page, '/blocks');
  await mark(page);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/split_operations.wasm', async (route) => {
    await held;
    await route.continue();
  });
  await link(page, '/mining').click();
  await expect(link(page, '/mining')).toHaveAttribute('aria-current', 'page');
  await expect(page.locator('main')).toBeFocused();
  await expect(heading(page, 'Blocks')).toBeVisible();
  release();
  await expect(heading(page, 'Mining')).toBeVisible();
  await expect(page).toHaveURL(/\/mining$/);
  await expect(page).toHaveTitle(/^Mining/);
  await expect(page.locator('main')).toBeFocused();
  expect(await isMarked(page)).toBe(true);
});

test('a reader who turns elsewhere while a part is loaded gets the page that was wanted last', async ({ page }) => {
  await open(page, '/blocks');
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/split_operations.wasm', async (route) => {
    await held;
    await route.continue();
  });
  await link(page, '/mining').click();
  await link(page, '/transactions').click();
  await expect(heading(page, 'Transactions')).toBeVisible();
  await expect(page).toHaveURL(/\/transactions$/);
  release();
  await link(page, '/mining').click();
  await expect(heading(page, 'Mining')).toBeVisible();
});

test('a page from before an upgrade opens the next one from the server', async ({ page, guard }) => {
  guard.allow(/404|split_operations|failed to load split module|Failed to execute 'compile'|WebAssembly/);
  await open(page, '/blocks');
  await mark(page);
  // The build that this page belongs to is not there any more; the next document names files that are.
  let upgraded = false;
  await page.route('**/split_operations.wasm', (route) => (upgraded ? route.continue() : route.fulfill({ status: 404, body: '' })));
  page.on('domcontentloaded', () => (upgraded = true));
  await link(page, '/mining').click();
  await expect(heading(page, 'Mining')).toBeVisible();
  await expect(page).toHaveURL(/\/mining$/);
  await hydrated(page);
  expect(await isMarked(page), 'the browser loaded a new document').toBe(false);
});

test('a part that cannot be fetched now is waited for, on the page before', async ({ page, context, guard }) => {
  guard.allow(/ERR_INTERNET_DISCONNECTED|Failed to fetch|network/i);
  await open(page, '/blocks');
  await mark(page);
  await context.setOffline(true);
  await link(page, '/mining').click();
  await expect(page.getByText('The node does not answer. The page opens once it does.')).toBeVisible();
  await expect(heading(page, 'Blocks')).toBeVisible();
  await context.setOffline(false);
  await expect(heading(page, 'Mining')).toBeVisible();
  expect(await isMarked(page), 'in the same document').toBe(true);
});

test('a page whose part is gone is loaded anew once, and where that does not help it shows so', async ({ page, guard }) => {
  guard.allow(/404|split_lists|WebAssembly|lists/);
  let documents = 0;
  page.on('domcontentloaded', () => documents++);
  let gone = true;
  await page.route('**/split_lists.wasm', (route) => (gone ? route.fulfill({ status: 404, body: '' }) : route.continue()));
  await page.goto('/blocks', { waitUntil: 'commit' });
  await expect(page.getByRole('alert').getByText('a part of it did not come from the node')).toBeVisible();
  expect(documents, 'it was loaded once more').toBe(2);
  // It can be read, and its links lead on, to pages that can be used.
  await expect(heading(page, 'Blocks')).toBeVisible();
  await link(page, '/mining').click();
  await hydrated(page);
  gone = false;
  await open(page, '/blocks');
  await expect(page.getByRole('alert')).toHaveCount(0);
});
