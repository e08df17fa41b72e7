// The guard of the other tests is itself tested: what it must notice, it notices.
import { generateKeyPairSync } from 'node:crypto';

import { bytes, keyFiles, phrase, primesOf } from '../support/secrets';
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
  guard.faults.length = 0; // this test caused them
});

test('a secret that leaves the worker is noticed, wherever it goes', async ({ page, guard, node }) => {
  const secret = 'test secret of this test';
  const where = { guard, page, node };
  const leaks = (how: string) => expect(expectKeptSecret([secret], where)).rejects.toThrow(how);
  await open(page, '/');
  await expectKeptSecret([secret], where);

  await page.evaluate((text) => localStorage.setItem('leak', btoa(`some ${text}`)), secret);
  await leaks('stored in the browser');
  await page.evaluate(() => localStorage.removeItem('leak'));

  await page.evaluate((text) => (document.querySelector('input')!.value = text), secret);
  await leaks('left on the page');
  await page.evaluate(() => (document.querySelector('input')!.value = ''));
  await expectKeptSecret([secret], where);

  await page.evaluate((text) => console.log({ text }.text), secret);
  await leaks('on the console');
  guard.consoleLines.length = 0;

  await page.evaluate((text) => fetch('/healthz', { method: 'GET', headers: { 'X-Leak': text } }).catch(() => {}), secret);
  await leaks('sent');
});

test('a secret is found in whatever form it is written', () => {
  const words = 'abandon ability able about above absent'.split(' ');
  const [row] = phrase('the phrase', words);
  for (const text of ['x able, about, above y', '["ABLE","ABOUT","ABOVE"]', 'able%20about%20above', 'above about able', '<li class="a">able</li><li class="a">about</li><li>above</li>']) {
    expect(row!.found(text), text).toBe(true);
  }
  expect(row!.found('able above about')).toBe(false);

  const key = Buffer.from('00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'hex');
  const kept = bytes('the key', key);
  for (const before of ['', 'a', 'ab', 'abc']) {
    const around = Buffer.concat([Buffer.from(before), key, Buffer.from('after')]);
    for (const text of [around.toString('hex'), around.toString('hex').toUpperCase(), around.toString('base64'), around.toString('base64url')]) {
      expect(kept.found(text), `after "${before}": ${text}`).toBe(true);
    }
  }
  expect(kept.found(key.subarray(1).toString('hex'))).toBe(false);

  const { n, p } = rsaKey();
  const primes = primesOf('a prime', n);
  expect(primes.found(`{"p":"${Buffer.concat([Buffer.from('xy'), p]).toString('base64')}"}`)).toBe(true);
  expect(primes.found(`0${p.toString('hex')}`)).toBe(true);
  expect(primes.found(n.toString(16))).toBe(false);
  expect(keyFiles.found('-----BEGIN PRIVATE KEY-----')).toBe(true);
  expect(keyFiles.found('-----BEGIN ENCRYPTED PRIVATE KEY-----')).toBe(false);
});

/** Modulus and a prime of a fresh RSA key. */
function rsaKey(): { n: bigint; p: Buffer } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n, p } = privateKey.export({ format: 'jwk' });
  const number = (text?: string) => Buffer.from(text ?? '', 'base64url');
  return { n: BigInt(`0x${number(n).toString('hex')}`), p: number(p) };
}
