import { expect, expectAccessible, tellOnce, test } from '../fixtures.ts';

tellOnce();

// One story writes what the other would read, so they are one.
test('staff change a setting, are told what is wrong with it, and replace a secret unseen', async ({
	page,
	demo,
	loginAs
}, info) => {
	await loginAs('staff');
	await page.goto('/admin/settings?tab=notifications');
	await expectAccessible(page);
	const sender = page.locator('input[name="notifications.mail_from"]');
	await sender.fill('sin arroba');
	await page.getByRole('button', { name: 'Guardar cambios' }).click();
	await expect(sender).toHaveAttribute('aria-invalid', 'true');
	await expect(sender).toHaveValue('sin arroba');

	const address = `ERP <${info.project.name}@sajet.us>`;
	await sender.fill(address);
	await page.getByRole('button', { name: 'Guardar cambios' }).click();
	await expect(page.getByText('Cambios guardados: 1')).toBeVisible();
	await page.reload();
	await expect(sender).toHaveValue(address);
	await page.getByRole('button', { name: 'Quitar lo guardado' }).first().click();
	await expect(sender).not.toHaveValue(address);

	await page.goto('/admin/settings?tab=stripe');
	await page.getByRole('button', { name: /^Reemplazar Secreto del webhook/ }).click();
	// Who has just logged in is not asked again.
	if (page.url().includes('/login/confirm')) {
		await page.locator('input[name=proof]').fill(demo.staff.password);
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	}
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=secret]').fill('no es un secreto de Stripe');
	await dialog.getByRole('button', { name: 'Reemplazar' }).click();
	await expect(dialog.locator('input[name=secret]')).toHaveAttribute('aria-invalid', 'true');
	// The one that is in force already, so that payments go on.
	await dialog.locator('input[name=secret]').fill(demo.vendors.stripe.webhook_secret);
	await dialog.getByRole('button', { name: 'Reemplazar' }).click();
	await expect(page.getByText('El secreto se reemplazó.')).toBeVisible();
	expect(await page.content()).not.toContain(demo.vendors.stripe.webhook_secret);
	await expectAccessible(page);

	await page.goto('/admin/logs/audit?area=settings');
	await expect(page.getByText('Cambió un ajuste').first()).toBeVisible();
	await page.getByRole('button', { name: 'Verificar la cadena' }).click();
	await expect(page.getByText('La cadena está íntegra')).toBeVisible();
	await expectAccessible(page);
	await page.goto('/admin/logs');
	await expect(page.getByRole('table', { name: 'Registro' })).toBeVisible();
	await expectAccessible(page);
});

test('staff see how many calls Cloudflare still takes, and by whom they were used', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	await page.goto('/admin/settings?tab=cloudflare');
	const card = page.getByRole('region', { name: 'Llamadas a Cloudflare', exact: true });
	await expect(card.getByRole('meter')).toHaveAttribute('aria-valuemax', '1200');
	await expect(card.getByText('Tareas de fondo', { exact: true }).first()).toBeVisible();
	await card.getByText('Ver como tabla').click();
	await expect(card.getByRole('row')).toHaveCount(31);
	await expectAccessible(page);
});
