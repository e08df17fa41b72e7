// Whether a part of the page is redrawn.
import type { Locator } from '@playwright/test';

/** How often the element, or what stands in it, was changed since; an alert is read aloud each time. */
export async function changesOf(alert: Locator): Promise<() => Promise<number | 'removed'>> {
  const watched = await alert.evaluateHandle((element) => {
    const seen = { element, changes: 0 };
    const observer = new MutationObserver((changes) => (seen.changes += changes.length));
    observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
    return seen;
  });
  return () => watched.evaluate(({ element, changes }) => (element.isConnected ? changes : 'removed'));
}
