import { readFileSync } from 'node:fs';
import type { Page, Route } from '@playwright/test';
import { expect, expectAccessible, lookAt, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

const unique = () => Math.random().toString(36).slice(2, 9);

async function createCustomer(page: Page, company: string, email: string): Promise<string> {
	await page.goto('/admin/customers?new');
	const dialog = page.getByRole('dialog', { name: 'Nuevo cliente' });
	await dialog.locator('input[name=company_name]').fill(company);
	await dialog.locator('input[name=email]').fill(email);
	await dialog.locator('select[name=country]').selectOption('EC');
	await dialog.getByRole('button', { name: 'Crear el cliente' }).click();
	await page.waitForURL(/\/admin\/customers\/[0-9a-f-]{36}$/);
	return new URL(page.url()).pathname;
}

async function confirmPassword(page: Page, password: string): Promise<void> {
	await page.locator('input[name=proof]').or(page.getByRole('dialog')).first().waitFor();
	if (!page.url().includes('/login/confirm')) return;
	await page.locator('input[name=proof]').fill(password);
	await page.locator('form:has(input[name=proof]) button[type=submit]').click();
}

async function act(page: Page, name: string): Promise<void> {
	await page.getByRole('button', { name: 'Acciones del cliente' }).click();
	await page.getByRole('menuitem', { name }).click();
}

test('staff find, create, edit in place, and delete a customer', async ({
	page,
	demo,
	loginAs
}) => {
	test.setTimeout(180_000);
	await loginAs('staff');
	await page.goto('/admin/customers');
	await expect(page.getByRole('heading', { level: 1, name: 'Clientes' })).toBeVisible();
	await lookAt(page);

	await page.goto('/admin/customers?new');
	const dialog = page.getByRole('dialog', { name: 'Nuevo cliente' });
	await dialog.locator('input[name=company_name]').fill('Panadería Luz');
	await dialog.locator('input[name=email]').fill('no es un correo');
	await dialog.locator('select[name=country]').selectOption('EC');
	await dialog.locator('input[name=tax_id]').fill('123');
	await dialog.getByRole('button', { name: 'Crear el cliente' }).click();
	await expect(dialog.getByText('Escriba un correo válido')).toBeVisible();
	await expect(dialog.locator('input[name=company_name]')).toHaveValue('Panadería Luz');
	await expectAccessible(page);

	const mark = unique();
	const company = `Panadería ${mark}`;
	const base = await createCustomer(page, company, `luz.${mark}@example.com`);
	await expect(page.getByRole('heading', { level: 1 })).toHaveText(company);
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);

	await page.getByRole('button', { name: 'Editar: Teléfono' }).click();
	await page.locator('input[name=phone]').fill('x');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('Escriba un teléfono con su código')).toBeVisible();
	await expectAccessible(page);
	await page.locator('input[name=phone]').fill('+593 2 222 2222');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByRole('button', { name: 'Editar: Teléfono' })).toBeFocused();
	await expect(page.getByText('+593 2 222 2222').first()).toBeVisible();
	await page.getByRole('button', { name: 'Editar: Datos fiscales' }).click();
	await page.locator('input[name=tax_id]').fill('1790016919001');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('RUC 1790016919001')).toBeVisible();

	for (const tab of ['Dominios', 'Suscripción', 'Despliegue', 'Equipo', 'Actividad']) {
		await page.getByRole('main').getByRole('link', { name: tab, exact: true }).click();
		await expect(
			page.getByRole('main').getByRole('link', { name: tab, exact: true })
		).toHaveAttribute('aria-current', 'page');
		await expectAccessible(page);
	}
	await expect(page.getByText('Cambió los datos del cliente').first()).toBeVisible();

	await page.goto(`/admin/customers?q=${mark}`);
	await expect(page.getByRole('link', { name: company })).toBeVisible();
	await expect(page.getByRole('row')).toHaveCount(2);
	const exported = await page.request.get(`/admin/customers/export.csv?q=${mark}`);
	const lines = (await exported.text()).trim().split('\r\n');
	expect(lines).toHaveLength(2);
	expect(lines[1]).toContain('1790016919001');

	await page.goto(base);
	await act(page, 'Eliminar el cliente…');
	await confirmPassword(page, demo.staff.password);
	const confirm = page.getByRole('dialog', { name: `Eliminar a ${company}` });
	await expect(confirm.getByText('se conservan')).toBeVisible();
	await expectAccessible(page);
	await confirm.locator('input[name=confirm]').fill(company);
	await confirm.getByRole('button', { name: 'Eliminar el cliente' }).click();
	await expect(page.getByText('Este cliente está eliminado')).toBeVisible();

	// Its people ask to be forgotten: the name is typed, and who asked is noted without naming anybody.
	await act(page, 'Borrar los datos personales…');
	await confirmPassword(page, demo.staff.password);
	const erase = page.getByRole('dialog', { name: `Borrar los datos personales de ${company}` });
	await expect(erase.getByText('Se borran nombres, correo, teléfono')).toBeVisible();
	await expect(erase.getByText('Se conservan por ley facturas')).toBeVisible();
	await expect(erase.getByText('No se puede deshacer')).toBeVisible();
	await expectAccessible(page);
	const sure = erase.getByRole('button', { name: 'Borrar los datos personales' });
	await expect(sure).toBeDisabled();
	await erase.locator('input[name=confirm]').fill(company);
	await sure.click();
	await expect(erase.locator('[aria-invalid=true]')).toHaveAttribute('name', 'reason');
	await erase.locator('textarea[name=reason]').fill('Solicitud 17');
	await sure.click();
	await expect(page.getByText('Los datos personales de este cliente se borraron')).toBeVisible();
	await expectAccessible(page);
	for (const path of [
		base,
		`${base}/activity`,
		`${base}/team`,
		`/admin/logs/audit?q=${base.split('/').at(-1)}`
	]) {
		await page.goto(path);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		for (const gone of [mark, '+593 2 222 2222'])
			await expect(page.getByText(gone), path).toHaveCount(0);
	}
	await expect(page.getByText('Solicitud 17').first()).toBeVisible();
	await page.goto(`/admin/search?q=${mark}`);
	await expect(page.getByRole('main').locator('a[href^="/admin/customers/"]')).toHaveCount(0);
	// What an accountant has to show stays.
	await page.goto(base);
	await expect(page.getByText('1790016919001').first()).toBeVisible();
});

test('two editors never overwrite each other silently', async ({ page, context, loginAs }) => {
	await loginAs('staff');
	const mark = unique();
	const base = await createCustomer(page, `Dos ${mark}`, `dos.${mark}@example.com`);
	const second = await context.newPage();
	await second.goto(base);
	await second.getByRole('button', { name: 'Editar: Contacto' }).click();
	await second.locator('input[name=full_name]').fill('La segunda');
	await page.getByRole('button', { name: 'Editar: Contacto' }).click();
	await page.locator('input[name=full_name]').fill('La primera');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('La primera').first()).toBeVisible();

	await second.getByRole('button', { name: 'Guardar' }).click();
	await expect(second.getByText(/cambió este cliente mientras usted escribía/)).toContainText(
		'La primera'
	);
	await expect(second.locator('input[name=full_name]')).toHaveValue('La segunda');
	await expectAccessible(second);
	await second.getByRole('button', { name: 'Guardar' }).click();
	await expect(second.getByText('La segunda').first()).toBeVisible();
});

test('who goes on before a change was answered arrives, and the change is made', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	const mark = unique();
	const base = await createCustomer(page, `Prisa ${mark}`, `prisa.${mark}@example.com`);
	// The answer comes while the next page is on its way.
	const late = (milliseconds: number) => async (route: Route) => {
		const answer = await route.fetch();
		await page.waitForTimeout(milliseconds);
		await route.fulfill({ response: answer });
	};
	await page.route(/\?\/edit$/, late(700));
	await page.route(/\/domains\/__data\.json/, late(1_500));
	await page.getByRole('button', { name: 'Editar: Contacto' }).click();
	await page.locator('input[name=full_name]').fill('Con Prisa');
	await page.getByRole('button', { name: 'Guardar' }).click();
	const tab = page.getByRole('main').getByRole('link', { name: 'Dominios', exact: true });
	await tab.click();
	await expect(tab).toHaveAttribute('aria-current', 'page');
	await page.unrouteAll({ behavior: 'wait' });
	await page.goto(base);
	await expect(page.getByText('Con Prisa').first()).toBeVisible();
});

test('who still lives is not deleted: the page says what does', async ({ page, loginAs }) => {
	await loginAs('staff');
	await page.goto('/admin/customers?status=active');
	await page.getByRole('main').locator('a[href^="/admin/customers/0"]').first().click();
	await page.waitForURL(/\/admin\/customers\/[0-9a-f-]{36}$/);
	await act(page, 'Eliminar el cliente…');
	const dialog = page.getByRole('dialog', { name: /todavía no se puede eliminar/ });
	await expect(dialog.getByRole('link').first()).toBeVisible();
	await expectAccessible(page);
});

test('a file is checked first, then imported, and its errors come back as a file', async ({
	page,
	loginAs
}) => {
	test.setTimeout(120_000);
	await loginAs('staff');
	await page.goto('/admin/customers/imports');
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Revisar el archivo' }).click();
	await expect(page.getByText('Elija un archivo CSV.')).toBeVisible();
	const mark = unique();
	const text = [
		'Empresa;Correo;País;Signo',
		`Buena ${mark};buena.${mark}@example.com;Ecuador;Leo`,
		`Mala ${mark};no-es;Narnia;`,
		`Doble ${mark};buena.${mark}@example.com;EC;`
	].join('\r\n');
	await page.locator('input[type=file]').setInputFiles({
		name: `clientes-${mark}.csv`,
		mimeType: 'text/csv',
		buffer: Buffer.from(text, 'latin1')
	});
	await page.getByRole('button', { name: 'Revisar el archivo' }).click();
	await page.waitForURL(/\/admin\/customers\/imports\/[0-9a-f-]{36}/);
	await expect(page.getByText('No se importarán: Signo.')).toBeVisible();
	await expect(page.getByText('1 clientes listos para crearse')).toBeVisible({ timeout: 20_000 });
	await expect(page.getByText('«Narnia» no es un país')).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	const [download] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('link', { name: 'Archivo de errores' }).click()
	]);
	const errors = readFileSync(await download.path(), 'utf8')
		.trim()
		.split('\r\n');
	expect(errors).toHaveLength(3);
	expect(errors[1]).toContain('Narnia');
	await page.getByRole('button', { name: 'Importar 1' }).click();
	await expect(page.getByText('Se crearon 1 clientes')).toBeVisible({ timeout: 20_000 });
	await page.goto(`/admin/customers?q=${mark}`);
	await expect(page.getByRole('link', { name: `Buena ${mark}` })).toBeVisible();
});
