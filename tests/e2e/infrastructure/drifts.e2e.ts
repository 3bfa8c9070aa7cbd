import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff see what Proxmox has otherwise, leave one so, adopt another, and repair it', async ({
	page,
	demo,
	request,
	loginAs
}) => {
	test.setTimeout(120_000);
	const control = `${demo.sandbox}/__sandbox/proxmox/containers`;
	await request.post(control, { data: { vmid: 690, hostname: 'contable', status: 'running' } });
	await request.post(control, { data: { vmid: 691, hostname: 'correo-viejo' } });
	const row = (name: string) => page.getByRole('row').filter({ hasText: name });
	const compare = async () => {
		await page.getByRole('button', { name: 'Comparar ahora' }).click();
		await expect(page.getByText('La comparación está en marcha.').first()).toBeVisible();
	};

	await loginAs('staff');
	await page.goto('/admin/infrastructure/drifts');
	await compare();
	await expect(row('CT 690 contable')).toContainText('Contenedor sin registrar');
	await expect(page.getByRole('status').filter({ hasText: 'Última comparación' })).toContainText(
		'clústeres: 1'
	);
	await lookAt(page, 'cluster-drifts');

	await row('CT 691').getByRole('button', { name: 'Dejar así…' }).click();
	const leaving = page.getByRole('dialog', { name: 'Dejar así' });
	await leaving.getByLabel('Por qué se queda así').fill('Es del contador, no se toca');
	await leaving.getByRole('button', { name: 'Dejar así' }).click();
	await expect(row('CT 691')).toHaveCount(0);

	await row('CT 690').getByRole('button', { name: 'Adoptar…' }).click();
	const adopting = page.getByRole('dialog', { name: 'Adoptar CT 690 contable' });
	await adopting.getByRole('button', { name: 'Adoptar' }).click();
	await expect(row('CT 690 contable')).toHaveCount(0);

	await request.post(`${control}/690`, { data: { status: 'stopped' } });
	await compare();
	const stopped = row('Contenedor detenido que debería funcionar').filter({ hasText: 'CT 690' });
	await expect(stopped.getByRole('link')).toBeVisible();
	await stopped.getByRole('button', { name: 'Corregir' }).click();
	await expect
		.poll(
			async () => {
				const guests: { vmid: number; status: string }[] = await (
					await request.get(control)
				).json();
				return guests.find(({ vmid }) => vmid === 690)?.status;
			},
			{ timeout: 30_000 }
		)
		.toBe('running');
	await compare();
	await expect(stopped).toHaveCount(0);

	await page.getByLabel('Estado').selectOption({ label: 'Cerradas' });
	await expect(row('CT 691')).toContainText('Es del contador, no se toca');
	const [file] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('link', { name: 'Exportar CSV' }).click()
	]);
	expect(file.suggestedFilename()).toBe('diferencias.csv');
});

test('an instance shows its uptime to staff and to its customer', async ({ page, loginAs }) => {
	await loginAs('customer');
	await expect(page.getByRole('heading', { name: 'Disponibilidad' })).toBeVisible();
	await expect(page.getByRole('img', { name: /Últimos 90 días/ })).toBeVisible();
	await lookAt(page, 'uptime-portal');

	await page.context().clearCookies();
	await loginAs('staff');
	await page.goto('/admin/tenants?status=active');
	await page.getByRole('row').nth(1).getByRole('link').first().click();
	await page.getByRole('link', { name: 'Uso', exact: true }).click();
	await expect(page.getByRole('heading', { name: 'Disponibilidad' })).toBeVisible();
	await lookAt(page, 'uptime-staff');
	await page.goto('/admin/tenants?uptime=missed');
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});
