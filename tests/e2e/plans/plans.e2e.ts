import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

// One story writes what the other would read, so they are one.
test('staff make a plan, sell it, change its price as a new version, and repair what differs at Stripe', async ({
	page,
	demo,
	loginAs,
	expectConsole
}, info) => {
	// Refusals of forms.
	expectConsole(/status of 4(00|09)/);
	const key = `taller-${info.project.name}`;
	await loginAs('staff');
	await page.goto('/admin/plans');
	await expect(page.getByRole('heading', { level: 1, name: 'Planes' })).toBeVisible();
	await expect(page.getByRole('link', { name: /^Pro/ })).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);

	await page.getByRole('button', { name: 'Nuevo plan' }).first().click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=name]').fill('Taller');
	await dialog.locator('input[name=key]').fill('Con Espacios');
	await dialog.locator('input[name=amount]').fill('19.900');
	await dialog.locator('select[name=currency]').selectOption('clp');
	await dialog.getByRole('button', { name: 'Crear plan' }).click();
	await expect(dialog.locator('input[name=key]')).toHaveAttribute('aria-invalid', 'true');
	await expect(dialog.locator('input[name=amount]')).toHaveValue('19.900');
	await dialog.locator('input[name=key]').fill(key);
	await dialog.getByRole('button', { name: 'Crear plan' }).click();
	await page.waitForURL(/\/admin\/plans\/[0-9a-f-]{36}$/);
	await expect(page.locator('input[name="price.month.clp"]')).toHaveValue('19900');
	await expectAccessible(page);

	await page.getByRole('switch', { name: 'Se compra en línea' }).click();
	await page.getByRole('button', { name: 'Guardar ficha' }).click();
	await expect(page.getByText('Al día').first()).toBeVisible({ timeout: 20_000 });

	// What people pay for is shown before it is a version of its own.
	const price = page.locator('input[name="price.month.clp"]');
	await price.fill('10,5');
	await page.getByRole('button', { name: 'Revisar cambios' }).click();
	await expect(price).toHaveAttribute('aria-invalid', 'true');
	await expect(price).toHaveValue('10,5');
	await price.fill('24.900');
	await page.locator('input[name="limit.users"]').fill('5');
	await page.locator('select[name="limit.users.act"]').selectOption('read_only');
	await page.getByRole('button', { name: 'Revisar cambios' }).click();
	await expect(page.getByText('Esto será la versión 2')).toBeVisible();
	await expect(page.getByText('Nadie paga este plan todavía.')).toBeVisible();
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Crear la versión 2' }).click();
	await page.waitForURL((url) => url.pathname.startsWith('/admin/plans/'));
	await expect(page.getByText(`${key} · v2`)).toBeVisible();
	await expect(page.locator('input[name="price.month.clp"]')).toHaveValue('24900');
	await expect(page.getByText('Al día').first()).toBeVisible({ timeout: 20_000 });

	// Somebody changes the product at Stripe.
	const product = `erpcore_${key}_v2`;
	const answer = await fetch(`${demo.vendors.stripe.url}/v1/products/${product}`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${demo.vendors.stripe.key}`,
			'content-type': 'application/x-www-form-urlencoded'
		},
		body: 'name=Cambiado'
	});
	expect(answer.status).toBe(200);
	await page.getByRole('button', { name: 'Mirar ahora' }).click();
	await expect(page.getByText('«Cambiado»')).toBeVisible({ timeout: 20_000 });
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Reparar', exact: true }).click();
	await expect(page.getByText('«Cambiado»')).toBeHidden({ timeout: 20_000 });

	await page.getByRole('button', { name: 'Archivar' }).click();
	await page.getByRole('dialog').locator('input[name=confirm]').fill(key);
	await page.getByRole('dialog').getByRole('button', { name: 'Archivar' }).click();
	await expect(page.getByText('Este plan está archivado')).toBeVisible();
	await page.goto('/admin/plans?state=archived');
	await expect(page.getByText(`${key} · v2`)).toBeVisible();
	const csv = await page.request.get('/admin/plans/export.csv?state=archived');
	expect(await csv.text()).toContain(key);
});

test('staff make a coupon that people can type, and end it', async ({
	page,
	loginAs,
	expectConsole
}, info) => {
	expectConsole(/status of 400/);
	const code = `FERIA-${info.project.name.toUpperCase()}`;
	await loginAs('staff');
	// The other width makes one of its own.
	await page.goto(`/admin/billing/coupons?q=${code}`);
	await page.getByRole('button', { name: 'Nuevo cupón' }).first().click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=code]').fill(code.toLowerCase());
	await dialog.locator('input[name=name]').fill('Feria');
	await dialog.locator('input[name=percent]').fill('200');
	await dialog.getByRole('button', { name: 'Crear cupón' }).click();
	await expect(dialog.locator('input[name=percent]')).toHaveAttribute('aria-invalid', 'true');
	await dialog.locator('input[name=percent]').fill('12,5');
	await expectAccessible(page);
	await dialog.getByRole('button', { name: 'Crear cupón' }).click();
	await expect(page.getByText(code, { exact: true })).toBeVisible();
	const rows = page.getByRole('table', { name: 'Cupones' });
	await expect(rows.getByText('Activo', { exact: true })).toBeVisible({ timeout: 20_000 });
	await expect(rows.getByText(/−12[,.]50?\s?%/)).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	await page.goto(`/admin/billing/coupons?q=${code}`);
	await rows.getByRole('button', { name: 'Desactivar' }).click();
	await page.getByRole('dialog').locator('input[name=confirm]').fill(code);
	await page.getByRole('dialog').getByRole('button', { name: 'Desactivar' }).click();
	await expect(rows.getByText('Desactivado', { exact: true })).toBeVisible();
});

test('use of the plan is seen by staff and by the customer', async ({ page, loginAs }) => {
	await loginAs('staff');
	// The oldest is the demo's own, measured; others may have been made a moment ago.
	await page.goto('/admin/tenants?status=active&sort=created_at');
	const href = await page
		.locator('a[href^="/admin/tenants/"]')
		.evaluateAll((links) =>
			links
				.map((link) => link.getAttribute('href'))
				.find((one) => one && /\/admin\/tenants\/[0-9a-f-]{36}$/.test(one))
		);
	await page.goto(`${href}/usage`);
	await expect(page.getByRole('heading', { name: 'Uso del plan' })).toBeVisible();
	await expect(page.getByText('Almacenamiento').first()).toBeVisible();
	await expectAccessible(page);
});
