// The guard of the other tests is itself tested: what it must notice, it notices.
import { expect, expectKeptSecret, open, test } from '../support/test';

test('faults of a page are noticed', async ({ page, guard }) => {
  await open(page, '/');
  expect(guard.faults).toEqual([]);
  await page.evaluate(() => console.error('deliberate console error'));
  await page.evaluate(() => console.warn('hydration: deliberate warning'));
  await page.evaluate(() => void setTimeout(() => Promise.reject(new Error('deliberate page error'))));
  await page.evaluate(() => void fetch('https://elsewhere.invalid/deliberate').catch(() => {}));
  await expect
    .poll(() => guard.faults.map((fault) => fault.split(':')[0]).sort().join(', '))
    .toContain('console error, console warning, page error');
  expect(guard.faults.length).toBeGreaterThanOrEqual(4); // the foreign request, or the policy that stopped it
  guard.faults.length = 0; // they were asked for
});

test('a secret that leaves the worker is noticed', async ({ page, guard, node }) => {
  const secret = 'test secret of this test';
  const where = { guard, page, node };
  await open(page, '/');
  await expectKeptSecret([secret], where);
  await page.evaluate((text) => localStorage.setItem('leak', text), secret);
  await expect(expectKeptSecret([secret], where)).rejects.toThrow('stored in the browser');
  await page.evaluate(() => localStorage.removeItem('leak'));
  await page.evaluate((text) => fetch('/healthz', { method: 'GET', headers: { 'X-Leak': text } }).catch(() => {}), secret);
  await expect(expectKeptSecret([secret], where)).rejects.toThrow('sent');
});
