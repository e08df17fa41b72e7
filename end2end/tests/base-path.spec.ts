// A node behind real proxies, nginx and Caddy, with the settings of docs/operators.md: below a path, and at the root of a name.
import { get } from 'node:http';

import { expect, test, type Page } from '@playwright/test';

import { Guard } from '../support/guard';
import { TallyNode, fastChain } from '../support/node';
import { linked, pages } from '../support/pages';
import { ELSE, find, KINDS, Proxy } from '../support/proxy';
import { hydrated, open, waitForHeight } from '../support/test';
import { addressOf, card, createWallet, opened, unlock } from '../support/wallet';

// One worker for the tests of a place: they share its node and its proxy.
test.describe.configure({ mode: 'default' });

const BASE = '/ledger';
/** The name of the documents. */
const NAME = 'ledger.example.org';

let [node, proxy]: [TallyNode?, Proxy?] = [];
let guard: Guard;
let outside: string[];

for (const kind of KINDS) {
  const program = find(kind);
  if (!program) console.log(`SKIP: ${kind.name} is missing, so no node was tried behind it; scripts/setup.sh test installs it`);

  test.describe(`below a path, behind ${kind.name}`, () => {
    test.skip(!program, `${kind.name} is missing`);
    test.beforeAll(async () => {
      node = await TallyNode.start({ chain: fastChain, mine: 'native', base: BASE, args: ['--trusted-proxy', '127.0.0.1'] });
      proxy = await Proxy.start(kind, program ?? '', 'base', node.url);
    });
    test.afterAll(stop);
    test.beforeEach(({ context }) => {
      guard = new Guard(context, origin());
      outside = [];
      context.on('request', (request) => {
        const url = request.url();
        if (!/^(data|blob):/.test(url) && !url.startsWith(`${origin()}${BASE}/`)) outside.push(url);
      });
    });
    test.afterEach(() => {
      expect(outside, 'no request went outside of the base path').toEqual([]);
      expect(guard.faults, 'nothing on the pages went wrong').toEqual([]);
    });
    belowThePath();
  });

  test.describe(`at the root of a name, behind ${kind.name}`, () => {
    test.skip(!program, `${kind.name} is missing`);
    test.beforeAll(async () => {
      node = await TallyNode.start({ args: ['--allow-host', NAME, '--trusted-proxy', '127.0.0.1'] });
      proxy = await Proxy.start(kind, program ?? '', 'root', node.url);
    });
    test.afterAll(stop);
    atTheRoot();
  });
}

async function stop(): Promise<void> {
  await proxy?.stop();
  await node?.kill();
  node = proxy = undefined;
}

function origin(): string {
  return proxy?.origin ?? '';
}

/** The address of a path of the node, as a browser has it. */
function at(path: string): string {
  return `${origin()}${BASE}${path}`;
}

async function live(page: Page): Promise<void> {
  await expect(page.locator('.live-word')).toHaveText('Live');
}

function belowThePath(): void {
  test('every page works below a path, with its policy and its live figures', async ({ page }) => {
    test.setTimeout(180_000);
    await waitForHeight(node!, 2);
    for (const [name, path] of Object.entries(pages)) {
      const answer = await page.goto(at(path));
      expect(answer?.status(), name).toBe(200);
      expect(answer?.headers()['content-security-policy'], name).toContain("script-src 'self' 'nonce-");
      await hydrated(page);
      await live(page);
      const links = await page.locator('a[href^="/"]').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
      expect(links.length, name).toBeGreaterThan(5);
      expect(links.filter((link) => !link?.startsWith(`${BASE}/`)), name).toEqual([]);
    }
    await open(page, at('/'));
    const tip = async () => Number((await page.locator('main a.strong[href*="/block/"]').first().getAttribute('href'))?.split('/').pop());
    const before = await tip();
    await expect.poll(tip, { message: 'a new block shows without a reload', timeout: 30_000 }).toBeGreaterThan(before);
  });

  test('links, search and reloads stay below it, and so does what a script did not do', async ({ page, context }) => {
    await waitForHeight(node!, 1);
    await open(page, at('/'));
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Blocks', exact: true }).click();
    await expect(page).toHaveURL(at('/blocks'));
    await expect(page.getByRole('navigation', { name: 'Main' }).locator('[aria-current=page]')).toHaveText('Blocks');
    await page.getByRole('searchbox').fill('0');
    await page.getByRole('searchbox').press('Enter');
    await expect(page).toHaveURL(at('/block/0'));
    await page.reload();
    await hydrated(page);
    const { from, link } = linked.account!;
    await open(page, at(from));
    await page.locator(`main a[href^="${BASE}${link}"]`).first().click();
    await expect(page).toHaveURL(new RegExp(`^${at(link)}0x`));
    await page.goBack();
    await expect(page).toHaveURL(at(from));
    await open(page, at('/settings'));
    await page.getByLabel('Theme', { exact: true }).selectOption('dark');
    const cookies = await context.cookies();
    expect(cookies.map(({ name, path }) => [name, path])).toEqual([['tally-theme', `${BASE}/`]]);

    const answer = await page.request.get(at('/search?q=0'), { maxRedirects: 0, headers: { Accept: 'text/html' } });
    expect([answer.status(), answer.headers()['location']]).toEqual([302, `${BASE}/block/0`]);
    await page.goto(at('/api/docs'));
    await page.getByRole('link', { name: 'Problems', exact: true }).click();
    await expect(page).toHaveURL(at('/problems'));
    await page.getByRole('link', { name: 'nonce-too-low', exact: true }).click();
    await page.getByRole('link', { name: 'Tally', exact: true }).click();
    await expect(page).toHaveURL(at('/'));
  });

  test('a wallet is made, paid and mined to, and opens again', async ({ page }) => {
    test.setTimeout(240_000);
    await createWallet(page, 12, at('/wallet'));
    const rsa = await addressOf(page, 'RSA account');
    await page.getByRole('button', { name: 'Get test coins' }).click();
    const line = page.locator('.follow-line');
    const confirmations = async () => Number(/^(\d+) confirmation/.exec((await line.textContent()) ?? '')?.[1] ?? 0);
    await expect.poll(confirmations, { timeout: 60_000, message: 'the payment is in a block' }).toBeGreaterThan(0);
    await expect(card(page, 'RSA account').locator('.amount')).toContainText('100');
    await expect(card(page, 'RSA account').locator('.mark')).toHaveText('verified here');

    await page.getByRole('navigation', { name: 'Main' }).locator(`a[href="${BASE}/mining"]`).click();
    await page.getByLabel('Pay to').selectOption(rsa);
    await page.getByLabel('Workers').fill('1');
    await page.getByRole('button', { name: 'Start mining here' }).click();
    const accepted = page.locator('.fact', { hasText: 'Blocks accepted' }).locator('output');
    await expect.poll(async () => Number(await accepted.textContent()), { timeout: 120_000 }).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Stop mining here' }).click();

    await page.goto(at('/wallet'));
    await unlock(page);
    await opened(page);
    expect(await addressOf(page, 'RSA account')).toBe(rsa);
  });

  test('the operator link works, and its token is kept for this node alone', async ({ page }) => {
    const fragment = new URL(node!.operatorLink).hash;
    await open(page, `${at('/mining')}${fragment}`);
    await expect(page).toHaveURL(at('/mining'));
    await expect.poll(() => page.evaluate(() => Object.keys(sessionStorage))).toContain(`tally.operator${BASE}`);
  });

  test('the path without its slash leads on, and what is not below it is not the node', async ({ request }) => {
    const bare = await request.get(`${origin()}${BASE}`, { maxRedirects: 0 });
    expect([301, 302, 308]).toContain(bare.status());
    expect(bare.headers()['location']).toMatch(new RegExp(`${BASE}/$`));
    expect(await (await request.get(`${origin()}/api/v1/status`)).text()).toBe(ELSE);
    const direct = await request.get(`${new URL(node!.url).origin}/api/v1/status`);
    expect([direct.status(), (await direct.json()).base_path]).toEqual([404, BASE]);
  });
}

function atTheRoot(): void {
  /** Sends a request under the name of the node; the first bytes of the answer. */
  function answerOf(path: string): Promise<[number, string, string]> {
    const { hostname, port } = new URL(origin());
    return new Promise((done, failed) => {
      const request = get({ hostname, port, path, headers: { Host: NAME } }, (answer) => {
        answer.once('data', (chunk) => {
          done([answer.statusCode ?? 0, answer.headers['content-type'] ?? '', String(chunk)]);
          request.destroy();
        });
        answer.once('end', () => failed(new Error(`${path}: ${answer.statusCode} without a body`)));
      });
      request.once('error', failed);
      request.setTimeout(20_000, () => request.destroy(new Error(`${path}: no answer`)));
    });
  }

  test('pages, API and events answer under the name', async () => {
    await waitForHeight(node!, 1);
    const page = await answerOf('/');
    expect(page[0]).toBe(200);
    expect(page[1]).toMatch(/^text\/html/);
    const [status, , body] = await answerOf('/api/v1/status');
    expect([status, body.includes('"genesis_id"')]).toEqual([200, true]);
    const events = await answerOf('/api/v1/events');
    expect([events[0], events[1]]).toEqual([200, 'text/event-stream']);
  });
}
