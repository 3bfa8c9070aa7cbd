import { defineConfig, devices } from '@playwright/test';
import { ensureChromium } from '../../src/cli/chromium.ts';

export default defineConfig({
	testDir: '.',
	testMatch: '**/*.e2e.ts',
	globalSetup: './global-setup.ts',
	outputDir: '../../test-results',
	// One product serves all tests; a file is one story told in order.
	fullyParallel: false,
	workers: 2,
	retries: 0,
	forbidOnly: !!process.env.CI,
	timeout: 60_000,
	globalTimeout: 40 * 60_000,
	expect: { timeout: 10_000 },
	reporter: 'list',
	use: {
		locale: 'es-DO',
		timezoneId: 'America/Santo_Domingo',
		// What is not there after so long is not coming, and a story's whole time is minutes.
		actionTimeout: 30_000,
		navigationTimeout: 90_000,
		screenshot: 'only-on-failure',
		// Of a second try: to record every first one, which nearly always passes, takes a tenth of all time.
		trace: { mode: 'on-first-retry', sources: false },
		launchOptions: {
			executablePath: ensureChromium(),
			args: [
				'--no-sandbox',
				'--disable-gpu',
				'--disable-background-networking',
				'--disable-component-update',
				'--disable-sync',
				'--no-first-run'
			]
		}
	},
	projects: [
		{
			name: 'desktop',
			use: { ...devices['Desktop Chrome'], viewport: { width: 1440, height: 900 } }
		},
		{
			name: 'phone',
			use: {
				...devices['Desktop Chrome'],
				viewport: { width: 390, height: 844 },
				isMobile: true,
				hasTouch: true,
				deviceScaleFactor: 2
			}
		}
	]
});
