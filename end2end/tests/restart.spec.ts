// What the node has shown, it keeps: killed, stopped, or started twice.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { binary, fastChain, freePort } from '../support/node';
import { expect, TallyNode, test, waitForHeight } from '../support/test';

let dataDir: string;
test.beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tally-e2e-'));
});
test.afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('a node killed while it mines loses no block that it has shown', async () => {
  let height = 0;
  for (let round = 1; round <= 4; round++) {
    const node = await TallyNode.start({ chain: fastChain, dataDir, mine: 'native' });
    try {
      await waitForHeight(node, height + 5 * round);
      const { tip } = await node.api<{ tip: { height: number; id: string } }>('status');
      await node.kill();
      const again = await TallyNode.start({ chain: fastChain, dataDir, mine: false });
      try {
        const kept = await again.api<{ id: string }>(`blocks/${tip.height}`);
        expect(kept.id).toBe(tip.id);
      } finally {
        await again.kill();
      }
      height = tip.height;
    } finally {
      await node.kill();
    }
  }
});

test('a stopped node ends well and continues where it was', async () => {
  const node = await TallyNode.start({ chain: fastChain, dataDir, mine: 'native' });
  await waitForHeight(node, 5);
  const { tip } = await node.api<{ tip: { height: number; id: string } }>('status');
  expect(await node.stop()).toBe(0);
  const again = await TallyNode.start({ chain: fastChain, dataDir, mine: false });
  expect((await again.api<{ id: string }>(`blocks/${tip.height}`)).id).toBe(tip.id);
  expect(await again.stop()).toBe(0);
});

test('a second node on the same data directory ends with the reason', async () => {
  const node = await TallyNode.start({ chain: fastChain, dataDir, mine: false });
  try {
    const args = ['node', '--chain', fastChain, '--data-dir', dataDir, '--listen', `127.0.0.1:${await freePort()}`];
    const second = spawnSync(binary, args, { encoding: 'utf8', timeout: 20_000 });
    expect(second.status).toBe(3);
    expect(second.stderr).toContain(dataDir);
  } finally {
    await node.stop();
  }
});
