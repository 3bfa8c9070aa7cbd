import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff build a template, watch it come to be, and take it away again', async ({
	page,
	loginAs
}) => {
	test.setTimeout(180_000);
	await loginAs('staff');
	await page.goto('/admin/infrastructure/templates');
	const enrolled = page.getByRole('row').filter({ hasText: 'Vigente' });
	await expect(enrolled).toContainText('9018');
	await page.getByRole('link', { name: 'Construir plantilla' }).click();

	await expect(page.getByLabel('Imagen de Debian')).toHaveValue(/debian-12-standard/);
	await page.getByLabel('Ruta del archivo').fill('/etc/shadow');
	await page.getByRole('button', { name: 'Construir plantilla' }).click();
	await expect(page.getByText('Ruta absoluta a un archivo')).toBeVisible();
	await expect(page.getByLabel('Ruta del archivo')).toHaveValue('/etc/shadow');
	await lookAt(page, 'template-new');
	await page.getByLabel('Ruta del archivo').fill('/var/lib/vz/odoo/odoo_18.0.latest.tar.gz');
	await page.getByRole('button', { name: 'Construir plantilla' }).click();

	// The steps pass by themselves, and what the script says comes with them.
	await expect(page.locator('[data-step="base"][data-state="done"]')).toBeVisible({
		timeout: 60_000
	});
	await lookAt(page, 'template-building');
	await expect(page.locator('[data-step="register"][data-state="done"]')).toBeVisible({
		timeout: 120_000
	});
	await expect(page.getByText('nginx delante de Odoo: done: nginx')).toBeAttached();
	await expect(page.getByText('Lista', { exact: true })).toBeVisible();
	await lookAt(page, 'template-ready');
	const name = await page.getByRole('heading', { level: 1 }).innerText();

	await page.getByRole('button', { name: 'Retirar' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Retirar' }).click();
	await expect(page.getByText('Retirada', { exact: true })).toBeVisible();
	await page.getByRole('button', { name: 'Eliminar' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('textbox').fill(name);
	await dialog.getByRole('button', { name: 'Eliminar' }).click();
	await page.goto('/admin/infrastructure/templates?status=deleted');
	await expect(async () => {
		await page.reload();
		await expect(page.getByRole('row').filter({ hasText: name })).toBeVisible({ timeout: 1_000 });
	}).toPass({ timeout: 60_000 });
	await page.goto('/admin/infrastructure/templates');
	await lookAt(page, 'templates');
});
