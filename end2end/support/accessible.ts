// axe-core over a page as it stands: phone and desktop, dark and light.
import AxeBuilder from '@axe-core/playwright';

import { sizes } from './pictures';
import { expect, type Page } from './test';

/** WCAG 2.2 AA with all that it builds on. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

/** Waits until the new look is there: colours may take a moment to change. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    // What the header that stays covers of a scrolled page is not what the page is judged by.
    scrollTo({ top: 0, behavior: 'instant' });
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    await frame();
    const running = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(running.map((animation) => animation.finished));
    await frame();
  });
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
      // In the page itself: axe's other way opens a tab for each run, and a page behind another tab gets no frames.
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze();
      for (const { id, help, nodes } of violations) {
        const where = nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1).join(';') ?? ''}`);
        faults.push(`${what} (${size}, ${colorScheme}): ${id}, ${help}\n    ${where.join('\n    ')}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
  expect(faults.join('\n'), 'what axe-core finds').toBe('');
}
