import { expect, expectAccessible, test, useTheme } from '../fixtures.ts';

test('staff see what each node has promised and uses, its containers, and where a plan would go', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	await page.goto('/admin/nodes');
	await expect(page).toHaveURL(/\/admin\/infrastructure$/);
	await expect(page.getByRole('heading', { level: 2 })).toHaveText(['pve1', 'pve2', 'pve3']);
	await expect(page.getByRole('meter', { name: 'RAM' })).toHaveCount(3);
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);

	await page.goto('/admin/infrastructure?tab=containers&purpose=template');
	const rows = page.getByRole('table', { name: 'Contenedores' }).getByRole('row');
	await expect(rows).toHaveCount(2);
	await expect(rows.nth(1)).toContainText('Plantilla');
	await expectAccessible(page);

	await page.goto('/admin/provision');
	const pro = page.getByRole('region', { name: 'Pro', exact: true });
	await expect(pro.getByText('iría aquí')).toHaveCount(1);
	const enterprise = page.getByRole('region', { name: 'Enterprise', exact: true });
	await expect(enterprise.getByText('Todavía no hay un segundo nodo').first()).toBeVisible();
	await expectAccessible(page);

	await page.goto('/admin/billing');
	await expect(page.getByRole('heading', { level: 1, name: 'Facturación' })).toBeVisible();
	await expectAccessible(page);
});
