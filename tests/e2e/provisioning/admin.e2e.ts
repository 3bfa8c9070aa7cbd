import type { Page } from '@playwright/test';
import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';
import { somebody, type Buyer } from '../buying.ts';

tellOnce();

async function createInstance(page: Page, buyer: Buyer, plan = 'basic'): Promise<void> {
	await page.goto('/admin/tenants?new');
	const dialog = page.getByRole('dialog', { name: 'Nueva instancia' });
	await dialog.locator('input[name=company_name]').fill(buyer.company);
	await dialog.locator('input[name=email]').fill(buyer.email);
	await dialog.locator('input[name=subdomain]').fill(buyer.slug);
	await dialog.locator('select[name=plan]').selectOption(plan);
	await dialog.getByRole('button', { name: 'Crear la instancia' }).click();
	await page.waitForURL(/\/admin\/tenants\/[0-9a-f-]{36}$/);
}

/** The state beside the title, which arrives by itself. */
async function expectState(page: Page, word: string): Promise<void> {
	await expect(page.locator('header:has(h1)').getByText(word, { exact: true })).toBeVisible({
		timeout: 60_000
	});
}

async function act(page: Page, name: string): Promise<void> {
	await page.getByRole('button', { name: 'Acciones de la instancia' }).click();
	await page.getByRole('menuitem', { name }).click();
}

test('staff make an instance, watch its steps, suspend and delete it, and take both back', async ({
	page,
	demo,
	loginAs
}) => {
	test.setTimeout(240_000);
	await loginAs('staff');
	await expect(page.getByRole('heading', { level: 1, name: 'Panel' })).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);

	await page.goto('/admin/tenants?new');
	const dialog = page.getByRole('dialog', { name: 'Nueva instancia' });
	await dialog.locator('input[name=company_name]').fill('Ferretería El Sol');
	await dialog.locator('input[name=email]').fill('no es un correo');
	await dialog.getByRole('button', { name: 'Crear la instancia' }).click();
	await expect(dialog.getByText('Escriba un correo válido')).toBeVisible();
	await expect(dialog.locator('input[name=company_name]')).toHaveValue('Ferretería El Sol');
	await expectAccessible(page);

	const buyer = somebody('sol');
	await createInstance(page, buyer);
	await expect(page.getByRole('heading', { level: 1 })).toHaveText(`${buyer.slug}.sajet.us`);
	await expectState(page, 'Activa');
	await expect(page.getByText('Terminado', { exact: true })).toBeVisible();
	await expect(page.getByRole('log')).toContainText('db.duplicate');
	await expectAccessible(page);
	for (const tab of ['Uso', 'Suscripción', 'Llamadas a proveedores', 'Actividad']) {
		await page.getByRole('link', { name: tab, exact: true }).click();
		await expect(page.getByRole('link', { name: tab, exact: true })).toHaveAttribute(
			'aria-current',
			'page'
		);
		await expectAccessible(page);
	}
	await expect(page.getByText('La instancia quedó activa')).toBeVisible();

	await act(page, 'Suspender…');
	await page.locator('select[name=reason]').selectOption('abuse');
	await page.getByRole('dialog').getByRole('button', { name: 'Suspender' }).click();
	await expectState(page, 'Suspendida');
	await expect(page.getByText('Suspendida: Uso indebido')).toBeVisible();
	await act(page, 'Reactivar');
	await expectState(page, 'Activa');

	await act(page, 'Eliminar la instancia…');
	if (page.url().includes('/login/confirm')) {
		await page.locator('input[name=proof]').fill(demo.staff.password);
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	}
	const confirm = page.getByRole('dialog', { name: `Eliminar ${buyer.slug}` });
	await expect(confirm.getByText('deja de entrar ahora mismo')).toBeVisible();
	await expect(confirm.getByRole('button', { name: 'Eliminar la instancia' })).toBeDisabled();
	await confirm.locator('input[name=confirm]').fill(buyer.slug);
	await confirm.getByRole('button', { name: 'Eliminar la instancia' }).click();
	await expectState(page, 'Eliminándose');
	await act(page, 'Deshacer la eliminación');
	await expectState(page, 'Activa');

	const exported = await page.request.get(`/admin/tenants/export.csv?q=${buyer.slug}`);
	const lines = (await exported.text()).trim().split('\r\n');
	expect(lines).toHaveLength(2);
	expect(lines[1]).toContain(buyer.slug);
	await page.goto(`/admin/search?q=${buyer.slug}.sajet`);
	await expect(page.getByRole('cell', { name: buyer.company })).toBeVisible();
});

test('a set-up that failed says why, and goes on where it failed', async ({
	page,
	demo,
	loginAs
}) => {
	test.setTimeout(180_000);
	const buyer = somebody('fallo');
	const fault = (body: object) =>
		fetch(`${demo.sandbox}/__sandbox/faults`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body)
		});
	// Three looks for the record of this name are refused: that is as often as a refusal is tried.
	await fault({
		target: 'cloudflare',
		match: `dns_records\\?.*${buyer.slug}`,
		kind: 'status',
		status: 403,
		times: 3
	});
	await loginAs('staff');
	await createInstance(page, buyer);
	await expectState(page, 'Falló');
	await expect(page.getByText('El alta falló en el paso «DNS»')).toBeVisible();
	await expect(page.getByRole('button', { name: 'Deshacer y reembolsar' })).toBeVisible();
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Reintentar paso' }).click();
	await expectState(page, 'Activa');
});
