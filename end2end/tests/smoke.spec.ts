import { expect, hydrated, test } from '../support/test';

test('the dashboard is rendered by the server and comes alive @phone', async ({ page, node }) => {
  const answer = await page.goto('/');
  expect(answer?.status()).toBe(200);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await hydrated(page);
  expect(node.log).not.toContain('panicked');
});

test('the page is not wider than a small screen @phone', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto('/');
  await hydrated(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});

test('the embedded files are compressed, typed and cached for ever', async ({ page, request }) => {
  const files = new Map<string, string>();
  page.on('response', (response) => {
    const url = new URL(response.url());
    if (url.pathname.startsWith('/pkg/')) files.set(url.pathname, response.headers()['content-type'] ?? '');
  });
  await page.goto('/');
  await hydrated(page);
  const wasm = [...files.keys()].find((path) => path.endsWith('/tally.wasm'));
  expect(wasm, [...files.keys()].join(' ')).toBeDefined();
  const answer = await request.get(wasm ?? '', { headers: { 'Accept-Encoding': 'br' } });
  expect(answer.status()).toBe(200);
  const headers = answer.headers();
  expect(headers['content-type']).toBe('application/wasm');
  expect(headers['content-encoding']).toBe('br');
  expect(headers['cache-control']).toContain('immutable');
  const again = await request.get(wasm ?? '', { headers: { 'If-None-Match': headers['etag'] ?? '' } });
  expect(again.status()).toBe(304);
});

test('the security policy allows no foreign and no inline script', async ({ request }) => {
  const policy = (await request.get('/')).headers()['content-security-policy'] ?? '';
  const scripts = policy.split(';').find((part) => part.trim().startsWith('script-src')) ?? '';
  expect(scripts).toContain("'wasm-unsafe-eval'");
  expect(scripts).toContain("'nonce-");
  expect(scripts).not.toContain("'unsafe-inline'");
  expect(scripts).not.toContain("'unsafe-eval'");
  expect(scripts).not.toMatch(/https?:/);
});

test('an unknown page is a real 404 that leads on', async ({ page, guard }) => {
  guard.allow(/status of 404/);
  const answer = await page.goto('/no/such/page');
  expect(answer?.status()).toBe(404);
  await hydrated(page);
  await expect(page.locator('main').getByRole('link').first()).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the dashboard can be read @phone', async ({ page }) => {
    const answer = await page.goto('/');
    expect(answer?.status()).toBe(200);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByRole('navigation').first()).toBeVisible();
  });
});
