// axe-core over a page as it stands: phone and desktop, dark and light.
import AxeBuilder from '@axe-core/playwright';

import { sizes } from './pictures';
import { expect, type Page } from './test';

/** WCAG 2.2 AA with all that it builds on. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

/** Brings the page to its new look: what is still changing (a colour, a message that rises) is taken to its end. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    // The sticky header must not cover what is measured.
    scrollTo({ top: 0, behavior: 'instant' });
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    await frame();
    // A colour that is inherited changes after that of its parent, and so on down: it takes as many rounds as elements are deep.
    // Ended, not waited for: one of an element that is not drawn may never end by itself.
    for (;;) {
      const running = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity);
      if (running.length === 0) return;
      for (const animation of running) animation.finish();
      await frame();
    }
  });
}

interface Violation {
  id: string;
  help: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

/** What axe-core finds on the page as it looks now. */
async function violations(page: Page): Promise<Violation[]> {
  // To put axe into the page, and to hand over all that it found in order, takes as long as to run it: that is done once for a page.
  const found = await page.evaluate(async (tags) => {
    const { axe } = window as unknown as { axe?: { run(on: Document, how: object): Promise<{ violations: Violation[] }> } };
    return (await axe?.run(document, { runOnly: tags, resultTypes: ['violations'] }))?.violations;
  }, TAGS);
  // In the page itself: axe's other way opens a tab for each run, and a page behind another tab gets no frames.
  return found ?? (await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze()).violations;
}

/** Nothing on this page fails WCAG 2.2 AA, in any look. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const before = page.viewportSize();
  const faults: string[] = [];
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await settled(page);
      for (const { id, help, nodes } of await violations(page)) {
        const where = nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1).join(';') ?? ''}`);
        faults.push(`${what} (${size}, ${colorScheme}): ${id}, ${help}\n    ${where.join('\n    ')}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
  expect(faults.join('\n'), 'what axe-core finds').toBe('');
}
