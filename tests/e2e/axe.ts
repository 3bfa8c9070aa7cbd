import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { RunOptions } from 'axe-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds in the page, a line for each rule with the elements below it. It runs in the page itself, once there for
 * each document: `@axe-core/playwright` sends it again for each look, and opens a second page to add up the results of
 * frames, which is four times the work and more than all else that a story costs.
 * @throws {Error} of a page with frames, which would need axe in each of them
 */
export async function axeViolations(
	page: Page,
	context: { exclude: string[] },
	options: RunOptions
): Promise<string[]> {
	if (page.frames().length > 1) throw new Error(`${page.url()} has frames; axe looks at none`);
	if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(SOURCE);
	// What is in order need not be described.
	const all: RunOptions = { resultTypes: ['violations'], reporter: 'no-passes', ...options };
	// As text: Playwright's types do not let axe's through.
	return page.evaluate(async (text) => {
		const look: { context: { exclude: string[] }; all: RunOptions } = JSON.parse(text);
		const { violations } = await window.axe.run(look.context, look.all);
		return violations.map(
			({ id, help, nodes }) =>
				`${id}: ${help}\n${nodes.map((node) => `    ${node.html}`).join('\n')}`
		);
	}, JSON.stringify({ context, all }));
}

declare global {
	interface Window {
		axe: typeof import('axe-core');
	}
}
