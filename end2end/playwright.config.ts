// Real Chromium against the release binary. `./test` builds first; by hand: `cargo xtask build`, then `npx playwright test`.
import { defineConfig, devices } from '@playwright/test';

const desktop = { viewport: { width: 1280, height: 800 } };
/** Run on request only, as separate projects. */
const byHand = ['screenshots.spec.ts', 'figures*.spec.ts'];
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  forbidOnly: true,
  fullyParallel: true,
  retries: 0, // a test that passes at the second try has found something
  // Each has a browser, a node, ports and folders of its own. More than two are as slow on two cores. Figures are measured alone.
  workers: process.env.FIGURES ? 1 : Number(process.env.WORKERS ?? 2),
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    ...devices['Desktop Chrome'],
    locale: 'en-GB',
    timezoneId: 'UTC',
    // A quarter of the processor's time goes into traces: they are recorded with TRACE=1 only.
    trace: process.env.TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'desktop', use: desktop, testIgnore: byHand },
    // A test that differs on a small screen has @phone in its title.
    { name: 'phone', use: phone, grep: /@phone/, testIgnore: byHand },
    // FIGURES=1 npx playwright test --project=figures: the figures of the browser in docs/benchmarks.md.
    // SCREENSHOTS=1 npx playwright test: pictures of every page under build/screenshots/.
    ...(process.env.FIGURES ? [{ name: 'figures', use: desktop, testMatch: 'figures*.spec.ts' }] : []),
    ...(process.env.SCREENSHOTS ? [{ name: 'screenshots', use: desktop, testMatch: 'screenshots.spec.ts' }] : []),
  ],
});
