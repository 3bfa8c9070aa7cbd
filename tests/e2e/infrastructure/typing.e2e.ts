import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures.ts';

const sale = (page: Page) => page.getByRole('region', { name: '¿Cuántas más se pueden vender?' });
const plan = (page: Page) => sale(page).getByLabel('Plan');
const count = (page: Page) => sale(page).getByLabel('Instancias');

/** Keeps what a page asks for on its way. @returns what lets it through */
async function hold(page: Page, what: RegExp): Promise<() => void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	await page.route(what, async (route) => {
		await promise;
		await route.continue();
	});
	return resolve;
}

test('what is typed outlives the news of the cluster and the other forms of the page', async ({
	page,
	context,
	loginAs
}) => {
	await loginAs('staff');
	let asked: string[] = [];
	page.on('websocket', (socket) => {
		asked = [];
		socket.on('framesent', ({ payload }) => {
			const { subscribe } = JSON.parse(String(payload)) as { subscribe?: string };
			if (subscribe) asked.push(subscribe);
		});
	});
	await page.goto('/admin/provision');
	await expect.poll(() => asked).toContain('admin.nodes');
	const first = await plan(page).inputValue();
	await plan(page).selectOption({ label: 'Enterprise' });

	const other = await context.newPage();
	await other.goto('/admin/infrastructure');
	await other.getByRole('link', { name: 'pve1', exact: true }).first().click();
	const letGo = await hold(page, /__data\.json/);
	const news = page.waitForRequest(/__data\.json/);
	await other.getByRole('button', { name: 'Revisar ahora' }).click();
	await news;
	// While it is on its way, too.
	await count(page).fill('77');
	letGo();
	await other.close();
	// What it brings is there a moment later, and would say the same again.
	await page.waitForTimeout(1_000);
	expect(await plan(page).inputValue()).not.toBe(first);
	await expect(count(page)).toHaveValue('77');
	await count(page).pressSequentially('1');
	await page.getByRole('button', { name: 'Simular' }).click();
	await expect(page).toHaveURL(/plan=enterprise.*count=771/);
	expect(asked, 'one that listens already does not ask again').toEqual([...new Set(asked)]);
});

test('what is typed and pressed before the scripts of a page are there counts', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	const letGo = await hold(page, /\/_app\/immutable\/.*\.js/);
	await page.goto('/admin/provision', { waitUntil: 'commit' });
	await plan(page).selectOption({ label: 'Enterprise' });
	await count(page).fill('33');
	const account = page.getByRole('button', { name: /^Cuenta de/ });
	await account.click();
	await expect(page.getByRole('menu')).toHaveCount(0);
	letGo();
	await expect(page.getByRole('menu')).toBeVisible();
	await expect(plan(page)).toHaveValue('enterprise');
	await expect(count(page)).toHaveValue('33');
});

test('what a form answered that was sent before the scripts were there is said, once', async ({
	page,
	loginAs,
	expectConsole
}) => {
	// What is refused is a page of that status.
	expectConsole(/400/);
	await loginAs('staff');
	const press = async (spoil: string | null) => {
		const letGo = await hold(page, /\/_app\/immutable\/.*\.js/);
		await page.goto('/admin/infrastructure/drifts', { waitUntil: 'commit' });
		const button = page.getByRole('button', { name: 'Comparar ahora' });
		if (spoil)
			await button.evaluate(
				(element, action) => element.closest('form')!.setAttribute('action', action),
				spoil
			);
		await button.click();
		await expect(page).toHaveURL(spoil ? /\?\/ignore=?$/ : /\?\/run=?$/);
		letGo();
	};
	await press(null);
	const said = page.getByText('La comparación está en marcha.');
	await expect(said).toBeVisible();
	await expect(said).toHaveCount(1);
	await press('?/ignore');
	const toasts = page.getByRole('region', { name: /^Notificaciones/ });
	await expect(toasts.locator('[data-type=error]')).toHaveText('Complete este campo.');
	await expect(page).toHaveTitle(/Nodos y contenedores/);
});
