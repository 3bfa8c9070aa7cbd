import { registrar } from '../../setup/registrar.ts';
import { expect, tellOnce, test } from '../fixtures.ts';

tellOnce();

const TARGET = 'customers.sajet.us';

test('without scripts a customer brings a domain with letters of its own and its www, which sends on to it', async ({
	browser,
	demo,
	contextOptions
}) => {
	test.setTimeout(180_000);
	const context = await browser.newContext({
		...contextOptions,
		baseURL: demo.app,
		javaScriptEnabled: false
	});
	const page = await context.newPage();
	const dns = registrar({ url: demo.sandbox });
	const unique = Date.now().toString(36);
	await page.goto('/login/tenant');
	await page.locator('input[name=email]').fill(demo.customer.email);
	await page.locator('input[name=password]').fill(demo.customer.password);
	await page.locator('form:has(input[name=password]) button[type=submit]').click();
	await page.waitForURL((url) => !url.pathname.startsWith('/login'));

	await page.goto('/tenant/portal/domains/new');
	await page.locator('input[name=domain]').fill(`PEÑA${unique.toUpperCase()}.COM.`);
	await page.getByRole('button', { name: 'Seguir' }).click();
	await expect(page.getByRole('heading', { name: `peña${unique}.com` })).toBeVisible();
	const ascii = (await page.getByText(/^xn--[a-z0-9-]+\.com$/).textContent())!.trim();
	await page.getByText(`peña${unique}.com y www.peña${unique}.com`).click();
	await page.getByRole('button', { name: 'Añadir y ver los registros' }).click();
	await expect(page).toHaveURL(/\/domains\/new\?id=/);
	const text = page.locator('li[data-step=record]').filter({ hasText: 'TXT' });
	await expect(text).toHaveCount(1);
	const [, , token] = await text.locator('dd > span').allTextContents();
	await expect(page.getByText(`www.${ascii}`).first()).toBeVisible();

	await dns.set('ALIAS', ascii, TARGET);
	await dns.set('CNAME', `www.${ascii}`, TARGET);
	await dns.set('TXT', `_erp-verify.${ascii}`, token!.trim());
	await page.getByRole('button', { name: 'Verificar ahora' }).first().click();
	await expect(async () => {
		await page.reload();
		await expect(page.getByText(`peña${unique}.com abre su instancia`)).toBeVisible({
			timeout: 2_000
		});
	}).toPass({ timeout: 90_000 });

	// A visitor of the www is sent on to the name without it, to the page that was asked for.
	const edge = new URL(demo.vendors.edge);
	edge.hostname = `www.${ascii}.localhost`;
	await expect(async () => {
		await page.goto(`${edge.origin}/web/login`);
		const { hostname, pathname } = new URL(page.url());
		expect(hostname + pathname).toBe(`${ascii}.localhost/web/login`);
		await expect(page.locator('input[name=login]')).toBeVisible();
	}).toPass({ timeout: 60_000 });
	await context.close();
});
