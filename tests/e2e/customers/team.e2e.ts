import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';
import { mailedLink } from '../buying.ts';

tellOnce();

test('an owner invites somebody, who joins with a password of their own', async ({
	page,
	browser,
	demo,
	loginAs
}) => {
	test.setTimeout(120_000);
	const email = `equipo.${Math.random().toString(36).slice(2, 9)}@example.com`;
	await loginAs('customer');
	await page.goto('/tenant/portal/team');
	await lookAt(page);
	await page.getByRole('button', { name: 'Invitar' }).click();
	const dialog = page.getByRole('dialog', { name: 'Invitar' });
	await dialog.locator('input[name=email]').fill('no es');
	await dialog.getByRole('button', { name: 'Enviar la invitación' }).click();
	await expect(dialog.getByText('Escriba un correo válido')).toBeVisible();
	await expectAccessible(page);
	await dialog.locator('input[name=email]').fill(email);
	await dialog.locator('select[name=role]').selectOption('auditor');
	await dialog.getByRole('button', { name: 'Enviar la invitación' }).click();
	await expect(page.getByText(email, { exact: true })).toBeVisible();
	await expectAccessible(page);

	const link = await mailedLink(demo, email, '/invite/');
	const context = await browser.newContext({ locale: 'es-DO' });
	const guest = await context.newPage();
	await guest.goto(link.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')));
	await expect(guest.getByText('Este enlace no vale')).toBeVisible();
	await expectAccessible(guest);
	await guest.goto(link);
	await expect(guest.getByText(`Su correo es ${email}`)).toBeVisible();
	await lookAt(guest);
	await guest.locator('input[name=full_name]').fill('Persona Invitada');
	await guest.locator('input[name=password]').fill('seis nubes moradas 31');
	await guest.getByRole('button', { name: 'Crear mi cuenta y unirme' }).click();
	await guest.waitForURL(/\/tenant\/portal$/);
	await guest.goto(`${demo.app}/tenant/portal/team`);
	await expect(guest.getByText('Persona Invitada (usted)')).toBeVisible();
	await expect(guest.getByRole('button', { name: 'Invitar' })).toHaveCount(0);

	// Somebody else's browser says whose it is, and that it was used.
	await page.goto(link);
	await expect(page.getByText('Esta invitación ya se aceptó')).toBeVisible();

	await page.goto('/tenant/portal/team');
	await page.getByRole('button', { name: 'Acciones: Persona Invitada' }).click();
	await page.getByRole('menuitem', { name: 'Quitar de la empresa…' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Quitar de la empresa' }).click();
	await expect(page.getByText('Persona Invitada')).toHaveCount(0);
	await guest.goto(`${demo.app}/tenant/portal`);
	await expect(guest).toHaveURL(/\/login\/tenant/);
	await context.close();
});

test('the last owner cannot leave, and is told why', async ({ page, loginAs }) => {
	await loginAs('customer');
	await page.goto('/tenant/portal/team/leave');
	await expectAccessible(page);
	const heading = await page.getByRole('heading', { level: 1 }).innerText();
	await page.locator('input[name=confirm]').fill(heading.replace('Salir de ', ''));
	await page.getByRole('button', { name: 'Salir de la empresa', exact: true }).click();
	await expect(page.getByText('Es la última persona propietaria')).toBeVisible();
	await expectAccessible(page);
});

test('the company keeps its own data, with its tax id checked', async ({ page, loginAs }) => {
	await loginAs('customer');
	await page.goto('/tenant/portal/company');
	await lookAt(page);
	await page.getByRole('button', { name: 'Editar: Datos fiscales' }).click();
	await page.locator('select[name=country]').selectOption('EC');
	await page.locator('input[name=tax_id]').fill('1710034066001');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText(/dígito verificador/)).toBeVisible();
	await expect(page.locator('input[name=tax_id]')).toHaveValue('1710034066001');
	await expectAccessible(page);
	await page.locator('input[name=tax_id]').fill('1790016919001');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('RUC 1790016919001')).toBeVisible();
});
