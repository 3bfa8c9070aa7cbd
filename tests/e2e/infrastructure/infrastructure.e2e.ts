import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

test('staff see what each node has promised and uses, its containers, and where a plan would go', async ({
	page,
	loginAs
}) => {
	test.setTimeout(150_000);
	await loginAs('staff');
	await page.goto('/admin/nodes');
	await expect(page).toHaveURL(/\/admin\/infrastructure$/);
	const card = page.getByRole('article', { name: 'pve2' });
	await expect(card.getByRole('meter')).toHaveCount(3);
	await expect(card.getByText('No previsto')).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	await page.getByRole('combobox', { name: 'Estado' }).selectOption('maintenance');
	await expect(page).toHaveURL(/state=maintenance/);
	await expect(card).toHaveCount(0);

	await page.goto('/admin/infrastructure');
	await page.getByRole('link', { name: 'Mapa', exact: true }).click();
	const map = page.getByRole('list', { name: /^Contenedores de pve1/ });
	const cell = map.getByRole('link', { name: /Plantilla/ });
	await expect(cell).toHaveAttribute('href', /\/admin\/infrastructure\/containers\//);
	await expectAccessible(page);

	await page.getByRole('link', { name: 'Despliegues' }).click();
	await expect(page.getByRole('table', { name: 'Instancias' })).toBeVisible();
	await page
		.getByRole('button', { name: /^Acciones de / })
		.first()
		.click();
	await expect(
		page.getByRole('menuitem', { name: 'Registro del aprovisionamiento' })
	).toBeVisible();
	await page.keyboard.press('Escape');

	await page.goto('/admin/infrastructure?q=pve1');
	await page.getByRole('link', { name: 'pve1', exact: true }).click();
	await page.getByRole('link', { name: 'Uso', exact: true }).click();
	await page.getByRole('link', { name: '7 días' }).click();
	await expect(page).toHaveURL(/range=7d/);
	await page.getByRole('link', { name: '24 h' }).click();
	await expect(page).toHaveURL(/range=24h/);
	// The first sample is taken within a minute of the start.
	await expect(async () => {
		await page.reload();
		await expect(page.getByRole('slider', { name: 'CPU' })).toBeVisible({ timeout: 1_000 });
	}).toPass({ timeout: 75_000 });
	await page.getByRole('slider', { name: 'CPU' }).press('Home');
	await expectAccessible(page);

	await page.goto('/admin/infrastructure?tab=containers&purpose=template');
	const rows = page.getByRole('table', { name: 'Contenedores' }).getByRole('row');
	await expect(rows.filter({ hasText: '9018' })).toContainText('Plantilla');
	await expectAccessible(page);

	await page.goto('/admin/provision');
	const pro = page.getByRole('region', { name: 'Pro', exact: true });
	await expect(pro.getByText('iría aquí')).toHaveCount(1);
	const enterprise = page.getByRole('region', { name: 'Enterprise', exact: true });
	await expect(enterprise.getByText(/Toma el relevo pve\d/).first()).toBeVisible();
	await expectAccessible(page);

	await page.goto('/admin/billing');
	await expect(page.getByRole('heading', { level: 1, name: 'Facturación' })).toBeVisible();
	await expectAccessible(page);
});
