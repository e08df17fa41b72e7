// Tokens for others, and the log of what was done with them, as an operator uses them.
import { readFileSync } from 'node:fs';
import { expectAccessible } from '../support/accessible';
import { TallyNode } from '../support/node';
import { expect, open, test } from '../support/test';

const NAME = 'rig 7';

test('an operator creates a token, which is shown once, rotates it, and revokes it', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127/);
  const node = await TallyNode.start({ mine: false });
  const mining = async (token: string): Promise<number> => {
    const answer = await fetch(`${node.url}/api/v1/mining`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ on: false }),
    });
    return answer.status;
  };
  try {
    await open(page, node.operatorLink.replace('/#', '/tokens#'));
    await expect(page).toHaveURL(/\/tokens$/);
    await expect(page.getByText('No tokens yet')).toBeVisible();
    await expect(page.getByText('Nothing was done yet')).toBeVisible();
    await expectAccessible(page, 'tokens, none yet');

    // By the keyboard alone.
    const create = page.getByRole('button', { name: 'Create the token' });
    await expect(create).toBeDisabled();
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type(NAME);
    await page.getByRole('checkbox', { name: /^mining/ }).focus();
    await page.keyboard.press('Space');
    await page.getByLabel('Only from (optional)').focus();
    await page.keyboard.type('127.0.0.0/8');
    await page.keyboard.press('Enter');

    const shown = page.getByRole('dialog', { name: 'A new token' });
    const text = shown.locator('[data-secret=token]');
    await expect(text).toHaveText(/^tally_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    const first = await text.innerText();
    await expectAccessible(page, 'a new token');
    await shown.getByRole('button', { name: 'Done' }).click();
    await expect(shown).toBeHidden();
    expect(await page.content()).not.toContain(first);
    expect(await mining(first)).toBe(200);

    const table = page.getByRole('table', { name: 'Tokens', exact: true });
    const row = table.getByRole('row').filter({ hasText: NAME });
    await expect(row).toContainText('only from 127.0.0.0/8');
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('');
    await page.reload();
    await expect(row).toContainText('from 127.0.0.1');
    expect(await page.content()).not.toContain(first);

    const question = page.getByRole('dialog', { name: 'Change this token?' });
    await row.getByRole('button', { name: `Rotate ${NAME}` }).click();
    await expectAccessible(page, 'the question before a token changes');
    await question.getByRole('button', { name: 'Keep it' }).click();
    await expect(question).toBeHidden();
    expect(await mining(first)).toBe(200);
    await row.getByRole('button', { name: `Rotate ${NAME}` }).click();
    await question.getByRole('button', { name: 'Rotate it' }).click();
    await expect(text).not.toHaveText(first);
    const second = await text.innerText();
    await page.keyboard.press('Escape');
    await expect(shown).toBeHidden();
    expect([await mining(first), await mining(second)]).toEqual([401, 200]);

    await row.getByRole('button', { name: `Revoke ${NAME}` }).click();
    await question.getByRole('button', { name: 'Revoke it' }).click();
    await expect(page.getByText(`${NAME} is revoked`)).toBeVisible();
    await expect(page.getByText('No tokens yet')).toBeVisible();
    expect(await mining(second)).toBe(401);

    const log = page.getByRole('table', { name: 'What was done with tokens' });
    await expect(log.getByRole('row').nth(1)).toContainText('tokens.revoke');
    await expect(log).toContainText('tokens.rotate');
    await expect(log).toContainText('mining.switch');
    await expectAccessible(page, 'tokens and the log');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the whole log' }).click();
    const lines = readFileSync(await (await saved).path(), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    expect(lines[0].action).toBe('tokens.create');
    expect(lines.slice(1).every((entry, at) => entry.previous === lines[at].hash)).toBe(true);
  } finally {
    await page.goto('about:blank');
    await node.kill();
  }
});

test('what the node rejects is shown beside the form, and what was typed stays', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127|status of 422/);
  const node = await TallyNode.start({ mine: false });
  try {
    await open(page, node.operatorLink.replace('/#', '/tokens#'));
    await page.getByLabel('Name', { exact: true }).fill(NAME);
    await page.getByRole('checkbox', { name: /^peers/ }).check();
    await page.getByLabel('Only from (optional)').fill('here');
    await page.getByRole('button', { name: 'Create the token' }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'The token was not created' });
    await expect(alert).toContainText('this is no address and no range');
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue(NAME);
    await expect(page.getByText('No tokens yet')).toBeVisible();
    await expectAccessible(page, 'a token that was not created');
  } finally {
    await page.goto('about:blank');
    await node.kill();
  }
});

test('a link is good for one tab; the second one learns why it gets no token', async ({ page, context, guard }) => {
  guard.allow(/another origin: http:\/\/127|status of 410/);
  const node = await TallyNode.start({ mine: false });
  const second = await context.newPage();
  try {
    const { code } = (await node.operate('POST', 'operator/link')) as { code: string };
    await open(page, `${node.url}/settings#sign-in=${code}`);
    await expect(page).toHaveURL(/\/settings$/);
    await expect(page.getByText('This tab holds an operator token')).toBeVisible();
    await page.getByRole('link', { name: /^Tokens for others/ }).click();
    await expect(page.getByRole('table', { name: 'Tokens', exact: true })).toContainText('operator link');

    await open(second, `${node.url}/settings#sign-in=${code}`);
    await expect(second).toHaveURL(/\/settings$/);
    await expect(second.getByRole('alert').filter({ hasText: 'The operator link gave this tab no token' })).toContainText('used before');
    await open(second, `${node.url}/tokens`);
    await expect(second.getByText('This page is for operators')).toBeVisible();
    await expectAccessible(second, 'tokens for a reader who is no operator');
  } finally {
    await second.close();
    await page.goto('about:blank');
    await node.kill();
  }
});

test('a private ledger asks for a token, and shows itself to those who have one', async ({ page, guard }) => {
  guard.allow(/another origin: http:\/\/127|status of 401/);
  const node = await TallyNode.start({ mine: false, args: ['--require-token', 'read'] });
  try {
    const { secret } = (await node.operate('POST', 'tokens', { name: 'reader', scopes: ['read'] })) as { secret: string };
    await page.goto(`${node.url}/blocks`);
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await expectAccessible(page, 'a private ledger before the token');
    await page.getByLabel('Token').fill('nonsense-nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('the token is not one of this node');
    await page.getByLabel('Token').fill(secret);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(/\/blocks$/);
    await expect(page.getByRole('heading', { level: 1, name: 'Blocks' })).toBeVisible();
    // Reads and events of the page have the cookie, too.
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.goto(`${node.url}/sign-in`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  } finally {
    await page.goto('about:blank');
    await node.kill();
  }
});
