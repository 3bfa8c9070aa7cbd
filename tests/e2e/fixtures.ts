import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import type { DemoFile } from '../../src/cli/demo-data.ts';
import { axeViolations } from './axe.ts';

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

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const NARROW = { width: 390, height: 844 };
const BOTH = 'looks at both widths';

/** For a file whose stories go the same way at every width: they are told on the desktop, and each look is at a phone's width as well. */
export function tellOnce(): void {
	test.skip(({ isMobile }) => isMobile, 'told on the desktop, at both widths');
	// Playwright reads what a hook needs from this pattern.
	// eslint-disable-next-line no-empty-pattern
	test.beforeEach(({}, info) => {
		info.annotations.push({ type: BOTH });
	});
}

/** Looks at the page's own width, and at a phone's where the story is told once. */
async function atEachWidth(page: Page, look: (width: string) => Promise<void>): Promise<void> {
	const { annotations, project } = test.info();
	await look(project.name);
	if (!annotations.some(({ type }) => type === BOTH)) return;
	const wide = page.viewportSize()!;
	await page.setViewportSize(NARROW);
	await look('phone');
	await page.setViewportSize(wide);
}

/**
 * Nothing that axe finds against WCAG 2.2 AA, and no sideways scrolling.
 * @param what `colours` asks only what a theme decides, of a page that was looked at whole in the other one
 */
export async function expectAccessible(
	page: Page,
	what: 'everything' | 'colours' = 'everything'
): Promise<void> {
	if (what === 'colours') await isAccessible(page, what);
	else await atEachWidth(page, () => isAccessible(page, what));
}

async function isAccessible(page: Page, what: 'everything' | 'colours'): Promise<void> {
	const runOnly =
		what === 'colours'
			? { type: 'rule' as const, values: ['color-contrast'] }
			: { type: 'tag' as const, values: RULES };
	// What fades in is read when it is there.
	await page.waitForFunction(() =>
		document
			.getAnimations()
			.every(
				({ playState, effect }) =>
					playState !== 'running' || effect?.getComputedTiming().iterations === Infinity
			)
	);
	// A notice on its way out is neither here nor there.
	const context = { exclude: ['[data-sonner-toast][data-removed=true]'] };
	const readable = await axeViolations(page, context, { runOnly });
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
	if ((await page.locator('html').getAttribute('data-theme')) !== theme) await page.reload();
}

/**
 * Looks at the page in both themes, the one that it has first, and leaves it in the other. The phone's looks go from one
 * theme to the other by turns: what a theme decides was looked at on the desktop. With the folder E2E_SHOTS it leaves
 * pictures of both there.
 * @param name of the pictures; none without one
 */
export async function lookAt(page: Page, name?: string): Promise<void> {
	const isDark = (await page.locator('html').getAttribute('data-theme')) === 'dark';
	const [first, second] = isDark ? (['dark', 'light'] as const) : (['light', 'dark'] as const);
	const folder = name && process.env.E2E_SHOTS;
	for (const theme of [first, second]) {
		await useTheme(page, theme);
		if (theme === second && test.info().project.name === 'phone' && !folder) return;
		await expectAccessible(page, theme === first ? 'everything' : 'colours');
		if (!folder) continue;
		await atEachWidth(page, async (width) => {
			const path = join(folder, `${name}-${theme}-${width}.png`);
			await page.screenshot({ path, fullPage: true });
		});
	}
}
