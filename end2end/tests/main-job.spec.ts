// The main job, from the first visit to the balances after a reload, in one go.
import { expect, expectKeptSecret, storageDump, test, type Page, type TallyNode } from '../support/test';
import { addressOf, card, coins, createWallet, opened, picture, secretsOf, unlock } from '../support/wallet';

// The browser mines beside the node, at its difficulty.
test.use({ nativeMiner: true });

const RSA = 'RSA account';
const ECC = 'ECC account';

test('create a wallet, get coins, mine, send both ways, reload, unlock', async ({ page, guard, node }) => {
  test.setTimeout(240_000);
  const words = await createWallet(page);
  expect(await page.content(), 'the page forgot the phrase').not.toContain(words.join(' '));
  const [rsa, ecc] = [await addressOf(page, RSA), await addressOf(page, ECC)];
  expect(rsa).toMatch(/^0x[0-9a-fA-F]{40}$/);
  expect(ecc).not.toBe(rsa);
  await picture(page, 'wallet-new');

  await test.step('test coins, signed here with the public key', async () => {
    await page.getByRole('button', { name: 'Get test coins' }).click();
    await confirmed(page, 1);
    await expect(card(page, RSA).locator('.amount')).toContainText('100');
    await expect(card(page, RSA).locator('.mark')).toHaveText('verified here');
    await picture(page, 'wallet-open');
  });

  await test.step('mine to the wallet in this browser', async () => {
    await go(page, '/mining');
    await page.getByLabel('Pay to').selectOption(rsa);
    await page.getByLabel('Workers').fill('1');
    await page.getByRole('button', { name: 'Start mining here' }).click();
    const accepted = page.locator('.fact', { hasText: 'Blocks accepted' }).locator('output');
    await expect.poll(async () => Number(await accepted.textContent()), { timeout: 120_000 }).toBeGreaterThan(0);
    await expect(page.locator('.fact', { hasText: 'Hash rate' }).locator('output').last()).toHaveText(/[1-9].*H\/s/);
    await picture(page, 'mining-here');
    await page.getByRole('button', { name: 'Stop mining here' }).click();
    expect(await balance(node, rsa)).toBeGreaterThan(100n * 10n ** 18n);
  });

  await test.step('RSA pays ECC', async () => {
    await go(page, '/wallet');
    await card(page, RSA).getByRole('link', { name: 'Send' }).click();
    await send(page, ECC, ecc, '12.5', 'the first half');
    await confirmed(page, 2);
    await picture(page, 'wallet-sent');
  });

  await test.step('ECC pays RSA', async () => {
    await page.getByRole('link', { name: 'To the accounts' }).click();
    await expect(card(page, ECC).locator('.amount')).toContainText('12.5');
    await card(page, ECC).getByRole('link', { name: 'Send' }).click();
    await send(page, RSA, rsa, '3.25', '');
    await confirmed(page, 2);
  });

  await test.step('both stand in the history', async () => {
    await page.getByRole('navigation', { name: 'Wallet' }).getByRole('link', { name: 'History' }).click();
    await page.getByLabel('Account', { exact: true }).selectOption(ecc);
    const rows = page.getByRole('list', { name: 'Payments' }).getByRole('listitem');
    await expect(rows).toHaveCount(2);
    await expect(rows.first()).toContainText('3.25');
    await expect(rows.first()).toContainText('Sent to');
    await expect(rows.first().locator('.mark')).toHaveText('verified here');
    await picture(page, 'wallet-history');
  });

  await test.step('reload, unlock, the same balances', async () => {
    await page.goto('/wallet');
    await unlock(page, 'not the password');
    await expect(page.getByText('The password is wrong.')).toBeVisible();
    await picture(page, 'wallet-locked');
    await unlock(page);
    await opened(page);
    expect([await addressOf(page, RSA), await addressOf(page, ECC)]).toEqual([rsa, ecc]);
    for (const [label, address] of [[RSA, rsa], [ECC, ecc]] as const) {
      await expect(card(page, label).locator('.amount')).toContainText(coins(await balance(node, address)));
      await expect(card(page, label).locator('.mark')).toHaveText('verified here');
    }
    const got = await balance(node, ecc);
    expect(got > 92n * 10n ** 17n && got < 925n * 10n ** 16n, `12.5 - 3.25 - fee, not ${got}`).toBe(true);
  });

  expect(await storageDump(page), 'the vault is kept encrypted').toContain('tally-wallet');
  await expectKeptSecret(secretsOf(words), { guard, page, node });
});

/** Follows a link of the navigation, so that the page is not loaded again and the wallet stays open. */
async function go(page: Page, path: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).locator(`a[href="${path}"]`).click();
  await expect(page).toHaveURL(new RegExp(`${path}$`));
}

/** Fills the form, compares the review with what was meant, signs. */
async function send(page: Page, toLabel: string, to: string, amount: string, memo: string): Promise<void> {
  await page.getByRole('group', { name: 'Your own accounts' }).getByRole('button', { name: toLabel }).click();
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(to);
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByLabel('Memo').fill(memo);
  await expect(page.getByRole('radio', { name: /High/ })).toBeVisible();
  await picture(page, 'wallet-send');
  await page.getByRole('button', { name: 'Review' }).click();
  const fact = (name: string) => page.locator('.fact').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');
  await expect(fact('To')).toHaveText(to);
  await expect(fact('Pay')).toContainText(amount);
  await expect(fact('Memo')).toHaveText(memo || 'none');
  await picture(page, 'wallet-review');
  await page.getByRole('button', { name: 'Sign and send' }).click();
}

/** Waits on the page itself for this many confirmations. */
async function confirmed(page: Page, least: number): Promise<void> {
  const line = page.locator('.follow-line');
  const count = async () => Number(/^(\d+) confirmation/.exec((await line.textContent()) ?? '')?.[1] ?? 0);
  await expect.poll(count, { timeout: 60_000, message: `${least} confirmations` }).toBeGreaterThanOrEqual(least);
}

async function balance(node: TallyNode, address: string): Promise<bigint> {
  return BigInt((await node.api(`accounts/${address}`)).balance);
}
