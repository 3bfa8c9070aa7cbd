import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import type { DemoFile } from '../../src/cli/demo-data.ts';

export { expect };

interface Fixtures {
	/** Logs this test's browser in through the login page. */
	loginAs: (who: 'staff' | 'customer') => Promise<void>;
	/** Says that the page may write such a line; every other error or warning fails the test. */
	expectConsole: (pattern: RegExp) => void;
}

interface WorkerFixtures {
	/** Addresses, accounts and stand-ins of the product under test. */
	demo: DemoFile;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
	demo: [
		// Playwright reads what a fixture needs from this pattern; an empty one is its way to say "nothing".
		// eslint-disable-next-line no-empty-pattern
		async ({}, use) => {
			const file = process.env.E2E_DEMO_FILE;
			if (!file) throw new Error('E2E_DEMO_FILE is not set: the global setup did not run');
			await use(JSON.parse(readFileSync(file, 'utf8')) as DemoFile);
		},
		{ scope: 'worker' }
	],
	baseURL: async ({ demo }, use) => use(demo.app),
	loginAs: async ({ page, demo }, use) => {
		await use(async (who) => {
			const [path, account] =
				who === 'staff'
					? (['/login/admin', demo.staff] as const)
					: (['/login/tenant', demo.customer] as const);
			await page.goto(path);
			await page.locator('input[name=email]').fill(account.email);
			await page.locator('input[name=password]').fill(account.password);
			await page.locator('form:has(input[name=password]) button[type=submit]').click();
			await page.waitForURL((url) => !url.pathname.startsWith('/login'));
		});
	},
	expectConsole: [
		async ({ context }, use) => {
			const expected: RegExp[] = [];
			const written: string[] = [];
			context.on('console', (message) => {
				if (['error', 'warning'].includes(message.type())) {
					written.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
				}
			});
			context.on('weberror', (error) => written.push(`uncaught: ${error.error().message}`));
			await use((pattern) => expected.push(pattern));
			const surprising = written.filter((line) => !expected.some((pattern) => pattern.test(line)));
			expect(surprising, 'the page wrote to the console').toEqual([]);
		},
		{ auto: true }
	]
});

/** Nothing that axe finds against WCAG 2.2 AA, and no sideways scrolling. */
export async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		// A notice on its way out is neither here nor there.
		.exclude('[data-sonner-toast][data-removed=true]')
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
		.analyze();
	const readable = violations.map(
		({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}`).join('\n')}`
	);
	expect(readable, `accessibility of ${page.url()}`).toEqual([]);
	const { scrollWidth, clientWidth } = await page.evaluate(() => ({
		scrollWidth: document.documentElement.scrollWidth,
		clientWidth: document.documentElement.clientWidth
	}));
	expect(scrollWidth, `width of ${page.url()}`).toBeLessThanOrEqual(clientWidth);
}

/** Shows the page in this theme from now on, as the person's own choice would. */
export async function useTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
	await page.context().addCookies([{ name: 'theme', value: theme, url: page.url() }]);
	await page.reload();
}
