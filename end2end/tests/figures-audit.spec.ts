// Not a test of anything but that it runs: what an audit of a tab takes, for docs/benchmarks.md. The chain comes from
//   tally bench import --blocks 10000 --transfers 10 --keep DIR
//   AUDIT_CHAIN=DIR FIGURES=1 npx playwright test --project=figures figures-audit
import { join } from 'node:path';

import { expect, TallyNode, test } from '../support/test';

const folder = process.env.AUDIT_CHAIN;

test('an audit of a long chain', async ({ browser }) => {
  test.skip(!folder, 'AUDIT_CHAIN names no chain');
  test.setTimeout(900_000);
  const node = await TallyNode.start({ dataDir: join(folder!, 'source'), chain: join(folder!, 'spec.toml'), mine: false, readyWithin: 120_000 });
  const page = await browser.newPage({ baseURL: node.url });
  try {
    await page.goto('/blocks');
    await expect(page.locator('html[data-hydrated]')).toBeAttached();
    await expect(page.locator('#seal')).toContainText('Verified from genesis', { timeout: 120_000 });
    await page.locator('#seal').click();
    const panel = page.getByRole('dialog', { name: 'What this tab has verified' });
    const begun = Date.now();
    await panel.getByRole('button', { name: 'Audit', exact: true }).click();
    await expect(panel).toContainText('Every block was executed', { timeout: 800_000 });
    console.log(`${(Date.now() - begun) / 1000} s\n${await panel.locator('.facts, dl').last().innerText()}`);
  } finally {
    await node.kill();
  }
});
