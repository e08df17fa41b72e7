// The keyboard alone.
import { expect, type Page } from './test';

/** Tab, Enter and Space, and letters; no pointer. What has the focus can be seen. */
export function keyboard(page: Page) {
  const reach = async (what: string, here: () => Promise<boolean>) => {
    for (let steps = 0; steps < 120; steps++) {
      if (await here()) {
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
        expect(outline, `the focus on ${what} can be seen`).not.toBe('none');
        return;
      }
      await page.keyboard.press('Tab');
    }
    throw new Error(`${what} is not reached by Tab`);
  };
  return {
    async press(role: 'button' | 'link', name: string, key = 'Enter') {
      const wanted = page.locator('main').getByRole(role, { name, exact: true }).first();
      await expect(wanted).toBeEnabled();
      await reach(name, () => wanted.evaluate((element) => element === document.activeElement));
      await page.keyboard.press(key);
    },
    async type(label: string | RegExp, text: string) {
      const wanted = page.getByLabel(label, { exact: true });
      await reach(String(label), () => wanted.evaluate((element) => element === document.activeElement));
      await page.keyboard.type(text);
    },
  };
}
