// Pictures of a page: phone and desktop, dark and light, under build/screenshots/.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Page } from '@playwright/test';

const folder = resolve(__dirname, '..', '..', 'build', 'screenshots');

export const sizes = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
};

/** Takes the whole page as it stands in all four looks; `build/screenshots/NAME-phone-dark.png` and so on. */
export async function pictures(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true, animations: 'disabled' });
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
