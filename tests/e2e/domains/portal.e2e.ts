import type { Page } from '@playwright/test';
import { registrar } from '../../setup/registrar.ts';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

const TARGET = 'customers.sajet.us';

/** The value of a field of the instructions, by what it belongs to. */
async function recordOf(page: Page, heading: RegExp): Promise<{ name: string; value: string }> {
	const step = page.locator('li[data-step=record]').filter({ hasText: heading });
	const values = await step.locator('dd > span').allTextContents();
	return { name: values[1]!.trim(), value: values[2]!.trim() };
}

/** Presses the button until the looks that it takes have been taken. */
async function verifyUntil(page: Page, state: string): Promise<void> {
	await expect(async () => {
		await page.getByRole('button', { name: 'Verificar ahora' }).first().click();
		await expect(page.locator('header').getByText(state, { exact: true })).toBeVisible({
			timeout: 4_000
		});
	}).toPass({ timeout: 60_000 });
}

test('a customer brings a domain, makes it the address of its instance, breaks and repairs it', async ({
	page,
	demo,
	loginAs,
	expectConsole
}) => {
	test.setTimeout(300_000);
	// The visitor's pages are the stand-in's: it has no icon, and a rule is on its way for a moment.
	expectConsole(/\.localhost/);
	const dns = registrar({ url: demo.sandbox });
	const zone = `tienda-${Date.now().toString(36)}.com`;
	const domain = `erp.${zone}`;
	const under = (host: string) => {
		const edge = new URL(demo.vendors.edge);
		edge.hostname = `${host}.localhost`;
		return edge.origin;
	};
	await dns.set('A', zone, '203.0.113.80');
	await loginAs('customer');

	await page.goto('/tenant/portal/domains');
	await page.getByRole('link', { name: 'Añadir dominio' }).first().click();
	await page.locator('input[name=domain]').fill('*.tienda.com');
	await page.getByRole('button', { name: 'Seguir' }).click();
	const field = page.locator('input[name=domain]');
	await expect(field).toHaveAttribute('aria-invalid', 'true');
	await expect(field).toHaveValue('*.tienda.com');
	await lookAt(page, 'domains-new-refused');
	await field.fill(`https://ERP.${zone}/web`);
	await page.getByRole('button', { name: 'Seguir' }).click();
	await expect(page.getByRole('heading', { name: domain })).toBeVisible();
	const platform = (await page
		.getByText(/^[a-z0-9-]+\.sajet\.us$/)
		.first()
		.textContent())!.trim();
	await lookAt(page, 'domains-new-where');
	await page.getByRole('button', { name: 'Añadir y ver los registros' }).click();

	await expect(page).toHaveURL(/\/domains\/new\?id=/);
	await expect(page.getByText('Mirando sus registros cada segundo.')).toBeVisible();
	await lookAt(page, 'domains-new-records');
	const token = await recordOf(page, /TXT/);
	expect(token.value).toMatch(/^erp-verify=/);
	await dns.set('TXT', `${token.name}.${zone}`, token.value);
	const ownership = page.locator('[data-step=ownership]');
	await expect(ownership).not.toHaveAttribute('data-state', 'pending');
	const cname = await dns.set('CNAME', domain, TARGET);
	await expect(page.getByText(`${domain} abre su instancia`)).toBeVisible({ timeout: 90_000 });
	await lookAt(page, 'domains-new-active');

	const visitor = await page.context().newPage();
	await visitor.goto(`${under(domain)}/web/login`);
	await expect(visitor.locator('input[name=login]')).toBeVisible();

	await page.getByRole('link', { name: 'Ver el dominio' }).click();
	await expect(page.getByText('No hay nada que cambiar.')).toBeVisible();
	await lookAt(page, 'domain-active');

	await page.getByRole('button', { name: 'Hacer principal' }).click();
	const dialog = page.getByRole('dialog', { name: `Hacer principal ${domain}` });
	await expect(dialog.getByText(`Quien entre por ${platform} llega a ${domain}.`)).toBeVisible();
	await lookAtDialog(page, 'domain-make-primary');
	await dialog.getByRole('button', { name: 'Hacer principal' }).click();
	await expect(page.getByText('Sí: es la dirección de la instancia')).toBeVisible();
	await expect(async () => {
		await visitor.goto(`${under(platform)}/web/login`);
		expect(new URL(visitor.url()).hostname).toBe(`${domain}.localhost`);
	}).toPass({ timeout: 30_000 });

	await dns.unset(cname);
	await verifyUntil(page, 'Error');
	await expect(page.getByText('Lo que hay que cambiar')).toBeVisible();
	await expect(page.getByRole('alert').filter({ hasText: TARGET })).toBeVisible();
	await expect(page.getByText(`${platform} sigue funcionando`).first()).toBeVisible();
	await lookAt(page, 'domain-broken');
	await expect(async () => {
		await visitor.goto(`${under(platform)}/web/login`);
		await expect(visitor.locator('input[name=login]')).toBeVisible();
		expect(new URL(visitor.url()).hostname).toBe(`${platform}.localhost`);
	}).toPass({ timeout: 30_000 });

	await dns.set('CNAME', domain, TARGET);
	await expect(page.locator('header').getByText('Activo', { exact: true })).toBeVisible({
		timeout: 120_000
	});
	await visitor.goto(`${under(domain)}/web/login`);
	await expect(visitor.locator('input[name=login]')).toBeVisible();

	await page.goto('/tenant/portal/domains');
	await expect(page.getByRole('link', { name: domain })).toBeVisible();
	await lookAt(page, 'domains-list');
	await page.getByRole('link', { name: domain }).click();
	await page.getByRole('button', { name: 'Eliminar' }).click();
	const removal = page.getByRole('dialog', { name: `Eliminar ${domain}` });
	const proof = page.locator('input[name=proof]');
	await expect(removal.or(proof)).toBeVisible();
	if (await proof.isVisible()) {
		await proof.fill(demo.customer.password);
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	}
	await removal.locator('input[name=confirm]').fill(domain);
	await removal.getByRole('button', { name: 'Eliminar' }).click();
	await expect(page).toHaveURL(/\/tenant\/portal\/domains$/);
	await expect(page.getByRole('link', { name: domain })).toBeHidden();
});

/** A theme cannot be changed without closing a dialog: it is looked at in the one that it has. */
async function lookAtDialog(page: Page, name: string): Promise<void> {
	await expectAccessible(page);
	if (process.env.E2E_SHOTS)
		await page.screenshot({ path: `${process.env.E2E_SHOTS}/${name}.png` });
}
