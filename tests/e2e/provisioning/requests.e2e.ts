import { mailedLink, orderByLink, somebody } from '../buying.ts';
import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

test('staff ask for a payment, send the link once more, and cancel what nobody pays', async ({
	page,
	demo,
	loginAs,
	expectConsole
}) => {
	test.setTimeout(180_000);
	const buyer = somebody('pedido');
	await loginAs('staff');
	const tenant = await orderByLink(page, buyer);
	await expect(page.getByText(`Espera el pago de ${buyer.email}`)).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);

	const act = async (name: string) => {
		await page.getByRole('button', { name: 'Acciones de la instancia' }).click();
		await page.getByRole('menuitem', { name }).click();
	};
	await act('Enviar un nuevo enlace de pago');
	await expect(page.getByText('El enlace va en camino por correo.')).toBeVisible();
	const link = await mailedLink(demo, buyer.email, '/signup/continue');
	// Stripe's page is not ours, and asks for an icon that the stand-in has not.
	expectConsole(/favicon\.ico/);
	await page.goto(link);
	await expect(page).toHaveURL(/\/c\/pay\//);

	await page.goto(tenant);
	await act('Cancelar la solicitud…');
	if (page.url().includes('/login/confirm')) {
		await page.locator('input[name=proof]').fill(demo.staff.password);
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	}
	const confirm = page.getByRole('dialog', { name: `Cancelar la solicitud ${buyer.slug}` });
	await expect(confirm.getByText('deja de servir')).toBeVisible();
	await expectAccessible(page);
	await confirm.locator('input[name=confirm]').fill(buyer.slug);
	await confirm.getByRole('button', { name: 'Cancelar la solicitud' }).click();
	await expect(page.getByText('La solicitud se canceló antes del pago')).toBeVisible({
		timeout: 30_000
	});
	await expectAccessible(page);
	expectConsole(/410/);
	await page.goto(link);
	await expect(page.getByText('Este enlace ya se usó o venció.')).toBeVisible();
});
