import { registrar } from '../../setup/registrar.ts';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

/** What people type, and what they are told. */
const BAD = {
	'*.tienda.com': 'comodín',
	'10.20.30.40': 'dirección IP',
	localhost: 'Falta la terminación',
	'com.ec': 'se registran dominios',
	'nuestro.sajet.us': 'nombre de la plataforma',
	'no es un nombre.com': 'No es un nombre de dominio'
};

test('staff add a domain for a customer, see it become active, switch it off and on, and delete it', async ({
	page,
	demo,
	loginAs
}) => {
	test.setTimeout(240_000);
	const dns = registrar({ url: demo.sandbox });
	const zone = `andina-${Date.now().toString(36)}.com`;
	const domain = `erp.${zone}`;
	// Cards have heads of their own, which say the state as well.
	const head = page.locator('header').filter({ has: page.getByRole('heading', { level: 1 }) });
	const badge = (state: string) => head.getByText(state, { exact: true });
	await dns.set('A', zone, '203.0.113.80');
	await loginAs('staff');

	await page.goto('/admin/domains');
	await expect(page.getByRole('heading', { level: 1, name: 'Dominios' })).toBeVisible();
	await page.getByRole('link', { name: 'Añadir dominio' }).first().click();

	const field = page.locator('input[name=domain]');
	const submit = page.getByRole('button', { name: 'Añadir y ver los registros' });
	await submit.click();
	await expect(field).toHaveAttribute('aria-invalid', 'true');
	await expect(page.getByText('Elija la instancia', { exact: true })).toBeVisible();
	await page.locator('input[name=q]').fill('ejemplo');
	await page.getByRole('radio', { name: /ejemplo\.sajet\.us/ }).check();
	for (const [typed, word] of Object.entries(BAD)) {
		await field.fill(typed);
		await submit.click();
		await expect(field).toHaveAttribute('aria-invalid', 'true');
		await expect(field).toHaveValue(typed);
		await expect(page.locator('form').filter({ has: field })).toContainText(word);
	}
	await lookAt(page, 'admin-domain-new-refused');

	await page.goto('/admin/domains/new');
	await field.fill(`HTTPS://ERP.${zone}./web`);
	await expect(page.getByText('Se puede añadir')).toBeVisible();
	await page.locator('input[name=q]').fill('ejemplo');
	await page.getByRole('radio', { name: /ejemplo\.sajet\.us/ }).check();
	await expect(page.getByText('El subdominio ejemplo.sajet.us sigue funcionando')).toBeVisible();
	await lookAt(page, 'admin-domain-new');
	// A reload for the other theme begins the page anew, and its answer says that the scripts are there.
	await expect(async () => {
		await field.fill(domain);
		await expect(page.getByText('Se puede añadir')).toBeVisible({ timeout: 3_000 });
	}).toPass({ timeout: 30_000 });
	await page.locator('input[name=q]').fill('ejemplo');
	await page.getByRole('radio', { name: /ejemplo\.sajet\.us/ }).check();
	await submit.click();

	await expect(page).toHaveURL(/\/admin\/domains\/[0-9a-f-]{36}$/);
	await expect(page.getByRole('heading', { level: 1, name: domain })).toBeVisible();
	await lookAt(page, 'admin-domain-pending');
	const answer = await page.request.get(`/api/domains/${domain}`);
	const { data } = (await answer.json()) as {
		data: { records: { type: string; name: string; value: string }[] };
	};
	for (const { type, name, value } of data.records) await dns.set(type, name, value);
	await expect(badge('Activo')).toBeVisible({ timeout: 90_000 });
	await expect(page.locator('[data-step=answer]')).toHaveAttribute('data-state', 'done');
	await lookAt(page, 'admin-domain-active');

	await page.getByRole('link', { name: 'Actividad' }).click();
	await expect(page.getByText('Añadió un dominio')).toBeVisible();
	await lookAt(page, 'admin-domain-activity');
	await page.getByRole('link', { name: 'Llamadas' }).click();
	await expect(page.getByRole('table')).toBeVisible();
	await lookAt(page, 'admin-domain-calls');

	await page.goto(`/admin/search?q=${encodeURIComponent(domain)}`);
	await page.getByRole('link', { name: domain }).click();
	const act = async (name: string | RegExp) => {
		await page.getByRole('button', { name: 'Acciones del dominio' }).click();
		await page.getByRole('menuitem', { name }).click();
	};
	await act(/^Desactivar/);
	const off = page.getByRole('dialog', { name: `Desactivar ${domain}` });
	await expect(off).toContainText('ejemplo.sajet.us sigue funcionando');
	await off.getByRole('button', { name: 'Desactivar' }).click();
	await expect(badge('Desactivado')).toBeVisible();
	await act('Activar');
	await expect(badge('Activo')).toBeVisible();

	await page.goto(`/admin/domains?q=${domain}`);
	const row = page.getByRole('row').filter({ hasText: domain });
	await expect(row).toContainText('ejemplo.sajet.us');
	await expect(row).toContainText('Activo');
	const file = await page.request.get(`/admin/domains/export.csv?q=${domain}`);
	expect((await file.text()).split('\r\n').filter((line) => line.includes(domain))).toHaveLength(1);
	await lookAt(page, 'admin-domains');

	await row.getByRole('link').click();
	await act(/^Eliminar el dominio/);
	const removal = page.getByRole('dialog', { name: `Eliminar ${domain}` });
	const proof = page.locator('input[name=proof]');
	await expect(removal.or(proof)).toBeVisible();
	if (await proof.isVisible()) {
		await proof.fill(demo.staff.password);
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	}
	await expect(removal.getByRole('button', { name: 'Eliminar el dominio' })).toBeDisabled();
	await removal.locator('input[name=confirm]').fill(domain);
	await removal.getByRole('button', { name: 'Eliminar el dominio' }).click();
	await expect(page).toHaveURL(/\/admin\/domains$/);
	await expect(page.getByRole('row').filter({ hasText: domain })).toHaveCount(0);
});
