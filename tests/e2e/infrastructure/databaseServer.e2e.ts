import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff make a server of databases, watch it come to be, and take it away again', async ({
	page,
	loginAs
}, info) => {
	test.setTimeout(120_000);
	const name = info.retry ? `pg-historia-${info.retry}` : 'pg-historia';
	await loginAs('staff');
	await page.goto('/admin/infrastructure?tab=containers');
	await page.getByRole('link', { name: 'Nuevo servidor de bases de datos' }).click();
	await expect(page.getByLabel('Imagen de Debian')).toHaveValue(/debian-12-standard/);
	await page.getByLabel('Nombre').fill('Mi Servidor');
	await page.getByRole('button', { name: 'Crear servidor' }).click();
	await expect(page.getByText('Letras minúsculas, números y guiones')).toBeVisible();
	await lookAt(page, 'database-server-new');
	await page.getByLabel('Nombre').fill(name);
	await page.getByLabel('Disco (GB)').fill('10');
	await page.getByRole('button', { name: 'Crear servidor' }).click();

	await expect(page.getByRole('heading', { level: 1 })).toContainText(name);
	// Its steps are shown until it is whole, which may be sooner than anybody looks.
	const whole = page.getByText('Ninguno todavía.');
	const made = page.locator('[data-step="create"][data-state="done"]');
	await expect(made.or(whole).first()).toBeVisible({ timeout: 60_000 });
	await lookAt(page, 'database-server-making');
	await expect(whole).toBeVisible({ timeout: 90_000 });
	await lookAt(page, 'database-server-ready');

	await page.getByRole('button', { name: 'Eliminar servidor' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('textbox').fill(name);
	await expectAccessible(page);
	await dialog.getByRole('button', { name: 'Eliminar servidor' }).click();
	await expect(page.getByText('Eliminado', { exact: true })).toBeVisible({ timeout: 60_000 });
});
