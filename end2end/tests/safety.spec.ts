// Safety in use: what is warned of, what can be taken back, and what no tab and no chain confuses.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseEther, Wallet } from 'ethers';

import { Guard } from '../support/guard';
import { freePort, pacedChain } from '../support/node';
import { publicWallet } from '../support/saved';
import { expect, hydrated, open, TallyNode, test, type Page } from '../support/test';
import { addressOf, card, createWallet, opened, picture, unlock } from '../support/wallet';

const FRIEND = '0x52908400098527886E0F7030069857D2E4169EE7';
/** Nine digits at the start and seven at the end are those of FRIEND. */
const LOOK_ALIKE = '0x5290840000000000000000000000000004169ee7';

async function review(page: Page, to: string, amount: string): Promise<void> {
  for (const name of ['Accounts', 'Send']) {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name }).click();
  }
  await page.getByLabel('To', { exact: true }).fill(to);
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByRole('heading', { name: 'Is this what you want to sign?' })).toBeVisible();
}

/** The key of the first ECC account of the PUBLIC phrase, which has coins from genesis. */
const PUBLIC_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

/** Another device pays so many coins with this nonce of that account. */
async function payElsewhere(node: TallyNode, nonce: number, coins: string): Promise<void> {
  const raw = await new Wallet(PUBLIC_KEY).signTransaction({
    type: 2,
    chainId: Number((await node.api('status')).chain_id),
    nonce,
    to: FRIEND,
    value: parseEther(coins),
    gasLimit: 21_000,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${node.url}/api/v1/transactions`, { method: 'POST', headers, body: JSON.stringify({ raw }) });
  expect(answer.status, await answer.text()).toBe(202);
}

const sign = (page: Page) => page.getByRole('button', { name: 'Sign and send' });
const history = (page: Page) => page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();

test('a careful person gets every warning @phone', async ({ page, node }) => {
  await publicWallet(page, node);
  await review(page, FRIEND.toLowerCase(), '1');
  await expect(page.getByText('You have not paid this address before')).toBeVisible();
  await expect(page.getByText('The address has no checksum')).toBeVisible();
  await expect(sign(page)).toBeEnabled();
  await picture(page, 'wallet-warnings');
  await sign(page).click();
  await expect(page.getByRole('heading', { name: 'On its way' })).toBeVisible();

  // What looks like an address that was paid needs a tick.
  await review(page, LOOK_ALIKE, '1');
  const alike = page.getByRole('alert').filter({ hasText: 'looks like one you know' });
  await expect(alike).toContainText(FRIEND);
  await expect(sign(page)).toBeDisabled();
  await picture(page, 'wallet-look-alike');
  await alike.getByRole('checkbox').check();
  await expect(sign(page)).toBeEnabled();
  await alike.getByRole('checkbox').uncheck();
  await expect(sign(page)).toBeDisabled();
  await page.getByRole('button', { name: 'Back' }).click();

  // An account of one's own, which everyone else holds too; nearly all that is there.
  const own = await page.getByLabel('From').inputValue();
  await review(page, own, '1');
  await expect(page.getByText('This is an account of your own')).toBeVisible();
  await expect(page.getByText('Everyone has the key of this account')).toBeVisible();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByLabel('To', { exact: true }).fill(FRIEND);
  await page.getByRole('button', { name: 'All of it' }).click();
  await expect(page.getByLabel(/^Amount in/)).not.toHaveValue('1');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText('This spends nearly all of the account')).toBeVisible();
  expect(Number((await node.api('status')).height)).toBeGreaterThan(0);
});

test.describe('on a node of its own', () => {
  let node: TallyNode;
  let guard: Guard;

  test.afterEach(async () => {
    const faults = [...(guard?.faults ?? [])]; // before the node goes, which pages notice
    await node?.kill();
    expect(faults, 'nothing on the pages went wrong').toEqual([]);
  });

  test('what waits is sped up, cancelled and followed', async ({ browser }) => {
    node = await TallyNode.start({ mine: false });
    const page = await browser.newPage({ baseURL: node.url });
    guard = new Guard(page.context(), node.url);
    await publicWallet(page, node);
    for (const amount of ['1', '2']) {
      await review(page, FRIEND, amount);
      await sign(page).click();
      await expect(page.locator('.follow-line')).toContainText('Pending');
    }
    await page.goto('/wallet');
    await hydrated(page);
    await unlock(page);
    await opened(page);
    await history(page);
    const payments = page.getByRole('list', { name: 'Payments' });
    const line = (amount: string) => payments.getByRole('listitem').filter({ has: page.locator('.amount', { hasText: new RegExp(`^${amount}\\s*TALLY`) }) });
    await expect(payments.getByRole('listitem')).toHaveCount(2);
    await picture(page, 'wallet-pending');

    await line('1').getByRole('button', { name: 'Speed up' }).click();
    await expect(page.getByRole('heading', { name: 'Pay more, so that it goes faster?' })).toBeVisible();
    const fact = (name: string) => page.locator('.fact').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');
    await expect(fact('To')).toHaveText(FRIEND);
    await expect(fact('Nonce')).toHaveText('0');
    await picture(page, 'wallet-speed-up');
    await sign(page).click();
    await expect(page.locator('.follow-line')).toContainText('Pending');

    await line('2').getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('heading', { name: 'Cancel the payment that waits?' })).toBeVisible();
    await expect(fact('Pay')).toContainText('0');
    await expect(fact('Nonce')).toHaveText('1');
    await sign(page).click();

    // Both that were replaced are named, and stay named after a reload.
    const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
    await expect(lost.getByText('Replaced', { exact: true })).toHaveCount(2);
    await picture(page, 'wallet-replaced');
    await lost.getByRole('button', { name: 'Dismiss' }).first().click();
    await expect(lost.getByText('Replaced', { exact: true })).toHaveCount(1);

    // The node mines now: the friend has got 1, and not 2.
    await node.mine(true);
    await expect.poll(async () => (await node.api(`accounts/${FRIEND}`)).balance, { timeout: 60_000 }).toBe('1000000000000000000');
    await expect(payments.getByRole('button', { name: 'Cancel' })).toHaveCount(0);
  });

  test('a button of a payment that waits stays that of this payment when another comes', async ({ browser }) => {
    node = await TallyNode.start({ mine: false });
    const page = await browser.newPage({ baseURL: node.url });
    guard = new Guard(page.context(), node.url);
    await publicWallet(page, node);
    await payElsewhere(node, 0, '1');
    await history(page);
    const select = page.getByLabel('Account', { exact: true });
    await select.selectOption((await select.locator('option', { hasText: /^ECC account \(/ }).getAttribute('value'))!);
    const lines = page.getByRole('list', { name: 'Payments' }).getByRole('listitem');
    await expect(lines).toHaveCount(1);
    await lines.getByRole('button', { name: 'Cancel' }).focus();
    await payElsewhere(node, 1, '2');
    await expect(lines).toHaveCount(2);
    const focused = lines.filter({ has: page.locator('button:focus') });
    await expect(focused.locator('.amount')).toHaveText(/^1\s*TALLY/);
  });

  test('a second press where a payment was dismissed dismisses no other', async ({ browser }) => {
    node = await TallyNode.start({ mine: false });
    const page = await browser.newPage({ baseURL: node.url });
    guard = new Guard(page.context(), node.url);
    await publicWallet(page, node);
    for (const amount of ['1', '2', '3']) {
      await review(page, FRIEND, amount);
      await sign(page).click();
      await expect(page.locator('.follow-line')).toContainText('Pending');
    }
    // The page is offered a node that has lost all of them.
    const pending = '**/api/v1/accounts/*/pending';
    await page.route(pending, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), nonce: 0, next_nonce: 0, items: [] } });
    });
    await page.route('**/ui/transaction?*', (route) => route.fulfill({ json: null }));
    await history(page);
    const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
    const dismiss = lost.getByRole('button', { name: 'Dismiss', exact: true });
    /** What was pressed has done what it does: the page has looked at its payments once more, with a block. */
    const settled = async () => {
      const looked = page.waitForResponse(pending);
      await node.makeBlocks(1);
      await looked;
    };
    await expect(dismiss).toHaveCount(3);

    await dismiss.first().press('Enter');
    await expect(dismiss).toHaveCount(2);
    await page.keyboard.press('Enter');
    await settled();
    await expect(dismiss).toHaveCount(2);

    // The second click of a double click, where the next line has moved up.
    await dismiss.first().click();
    await expect(dismiss).toHaveCount(1);
    await dismiss.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await dismiss.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down({ clickCount: 2 });
    await page.mouse.up({ clickCount: 2 });
    await settled();
    await expect(dismiss).toHaveCount(1);
    await dismiss.click();
    await expect(lost).toBeHidden();
    await page.unrouteAll({ behavior: 'wait' }); // open requests need the node, which goes now
  });

  test('a missing nonce is explained and filled, a dropped payment sent again', async ({ browser }) => {
    node = await TallyNode.start({ mine: false });
    const page = await browser.newPage({ baseURL: node.url });
    guard = new Guard(page.context(), node.url);
    await publicWallet(page, node);
    for (const amount of ['1', '2']) {
      await review(page, FRIEND, amount);
      await sign(page).click();
      await expect(page.locator('.follow-line')).toContainText('Pending');
    }
    // The page is offered a node that has lost the first of the two, as a full pool may.
    const first = (await node.api('mempool')).items.find((item: { nonce: number }) => item.nonce === 0).id;
    await page.route('**/api/v1/accounts/*/pending', async (route) => {
      const answer = await route.fetch();
      const waiting = await answer.json();
      const items = waiting.items.filter((item: { id: string }) => item.id !== first).map((item: object) => ({ ...item, pending: false }));
      await route.fulfill({ response: answer, json: { ...waiting, next_nonce: 0, items } });
    });
    await page.route('**/ui/transaction?*', async (route) => {
      if (!route.request().url().includes(first)) return route.continue();
      await route.fulfill({ json: null });
    });
    await history(page);
    await expect(page.getByText('Nonce 0 is missing')).toBeVisible();
    await expect(page.getByText('1 payment waits until there is one of nonce 0')).toBeVisible();
    const lost = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Not in the chain' }) });
    await expect(lost.getByText('Dropped', { exact: true })).toBeVisible();
    await expect(lost.getByRole('button', { name: 'Send it again' })).toBeVisible();
    await picture(page, 'wallet-gap');
    await page.getByRole('button', { name: 'Fill it' }).click();
    await expect(page.getByRole('heading', { name: 'Fill the missing nonce?' })).toBeVisible();
    await expect(page.locator('.fact').filter({ has: page.getByText('Nonce', { exact: true }) }).locator('dd')).toHaveText('0');
    await page.getByRole('button', { name: 'Back' }).click();
    await expect(page.getByRole('heading', { name: 'Fill the missing nonce?' })).toBeHidden();
    // Of another account nothing is known until the node answers: the gap of the first is not offered for it.
    const select = page.getByLabel('Account', { exact: true });
    const chosen = await select.inputValue();
    const other = await select.locator('option').evaluateAll((options, first) => options.map((option) => (option as HTMLOptionElement).value).find((value) => value !== first)!, chosen);
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    await page.route(`**/api/v1/accounts/${other}/pending`, async (route) => {
      await held;
      await route.continue();
    });
    const request = page.waitForRequest(`**/api/v1/accounts/${other}/pending`);
    await select.selectOption(other);
    await request;
    await expect(page.getByText('Nonce 0 is missing')).toBeHidden();
    await expect(lost).toBeHidden();
    release();
    await select.selectOption(chosen);
    await expect(page.getByText('Nonce 0 is missing')).toBeVisible();
    await page.unrouteAll({ behavior: 'wait' }); // open requests need the node, which goes now
  });

  test('a chain that was started anew is named, and no wallet is confused', async ({ browser }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tally-e2e-'));
    const port = await freePort();
    const other = join(folder, 'other.toml');
    writeFileSync(other, readFileSync(pacedChain, 'utf8').replace(/genesis_time = (\d+)/, (_, time) => `genesis_time = ${Number(time) + 1}`));
    const dataDirs = [join(folder, 'one'), join(folder, 'two')];
    try {
      node = await TallyNode.start({ port, dataDir: dataDirs[0] });
      const genesis = (await node.api('status')).genesis_id as string;
      const page = await browser.newPage({ baseURL: node.url });
      guard = new Guard(page.context(), node.url);
      guard.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|Failed to fetch|status of 4/);
      await createWallet(page);
      const address = await addressOf(page, 'ECC account');
      await page.getByRole('button', { name: 'Get test coins' }).click();
      await expect(card(page, 'RSA account').locator('.amount')).toContainText('100', { timeout: 30_000 });

      // Another chain behind the same address: the open page shows that, and its wallet is locked.
      await node.kill();
      node = await TallyNode.start({ port, dataDir: dataDirs[1], chain: other });
      expect((await node.api('status')).genesis_id).not.toBe(genesis);
      await expect(page.getByText('This node serves another chain now')).toBeVisible({ timeout: 60_000 });
      await picture(page, 'other-chain-live');
      await page.getByRole('button', { name: 'Reload the page' }).click();
      await hydrated(page);
      await expect(page.getByText('A vault in this browser belongs to another chain')).toBeVisible();
      await expect(page.getByText(genesis.slice(-10))).toBeVisible();
      await expect(page.getByRole('link', { name: 'Create a wallet' })).toBeVisible();

      // A wallet here knows nothing of the other one's payments.
      await createWallet(page);
      expect(await addressOf(page, 'ECC account')).not.toBe(address);
      await history(page);
      await expect(page.getByText('Nothing yet')).toBeVisible();

      // The old chain is back, and with it its wallet.
      await node.kill();
      node = await TallyNode.start({ port, dataDir: dataDirs[0] });
      await page.goto('/wallet');
      await hydrated(page);
      await unlock(page);
      await opened(page);
      expect(await addressOf(page, 'ECC account')).toBe(address);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('a clock that is set back does not keep the wallet open', async ({ page }) => {
  await page.clock.install();
  await createWallet(page);
  await page.clock.setSystemTime(Date.now() - 86_400_000);
  await page.clock.runFor(2_000);
  await page.clock.fastForward('11:00');
  await expect(page.getByText('Locked after 10 min without use.')).toBeVisible();
});

test('tabs of one wallet do not overwrite, outlive or outwait each other', async ({ page, context }) => {
  await page.clock.install();
  await createWallet(page);
  const second = await context.newPage();
  await open(second, '/wallet');
  await unlock(second);
  await opened(second);

  // A change in one reaches the other.
  await page.getByRole('button', { name: 'Add a secp256k1 account' }).click();
  await expect(card(page, 'ECC account 2')).toBeVisible();
  await expect(card(second, 'ECC account 2')).toBeVisible();

  // Use in one counts for the other; want of use locks both.
  for (let round = 0; round < 2; round++) {
    await page.clock.fastForward('06:00'); // one clock for all tabs
    await page.keyboard.press('Tab');
  }
  await expect(second.getByRole('heading', { name: 'Accounts', exact: true })).toBeVisible();
  await page.clock.fastForward('11:00');
  for (const tab of [page, second]) await expect(tab.getByText('Locked after 10 min without use.')).toBeVisible();

  // Locked by hand in one, locked in all.
  for (const tab of [page, second]) {
    await unlock(tab);
    await opened(tab);
  }
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(second.getByText('It was locked in another tab.')).toBeVisible();

  // Removed in one, gone in all.
  await unlock(page);
  await opened(page);
  await page.getByRole('button', { name: 'Remove this wallet from the browser' }).click();
  await page.getByRole('dialog').getByRole('checkbox').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove it' }).click();
  for (const tab of [page, second]) await expect(tab.getByRole('link', { name: 'Create a wallet' })).toBeVisible();
});
