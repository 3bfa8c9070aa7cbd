import { somebody } from '../buying.ts';
import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

test('staff read the figures, follow them to their rows, and take them home', async ({
	page,
	demo,
	loginAs
}) => {
	test.setTimeout(120_000);
	const buyer = somebody('cifras');
	const made = await fetch(`${demo.app}/api/tenants`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', authorization: `Bearer ${demo.api_token}` },
		body: JSON.stringify({
			...{ company_name: buyer.company, email: buyer.email, subdomain: buyer.slug },
			...{ plan: 'pro', country: 'EC' }
		})
	});
	expect(made.status).toBe(202);
	await loginAs('staff');

	await page.goto('/admin/billing?months=6');
	await expect(page.getByRole('heading', { level: 1, name: 'Facturación' })).toBeVisible();
	const mrr = page.getByRole('link', { name: /^MRR/ });
	await expect(mrr).toContainText('US$');
	await expect(page.getByRole('link', { name: /^Churn bruto/ })).toBeVisible();
	await expect(page.getByRole('link', { name: /^LTV/ })).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	await useTheme(page, 'dark');

	// Each chart has its table; each month leads to what moved in it.
	const chart = page.getByRole('region', { name: 'Movimientos del MRR' }).first();
	await chart.getByText('Ver como tabla').click();
	await expect(chart.getByRole('row')).toHaveCount(7);
	await chart.getByRole('row').last().getByRole('link').click();
	await expect(page).toHaveURL(/movements\?month=\d{4}-\d{2}&currency=usd/);
	await page.goto(`${page.url()}&q=${encodeURIComponent(buyer.email)}`);
	await expect(page.getByText(buyer.company).first()).toBeVisible();
	await expectAccessible(page);

	await page.goto('/admin/billing');
	await mrr.click();
	await expect(page).toHaveURL(/subscriptions\?worth=some&currency=usd/);
	await page.goto(`${page.url()}&q=${encodeURIComponent(buyer.email)}`);
	await expect(page.getByText(buyer.company).first()).toBeVisible();
	await expectAccessible(page);

	const file = await page.request.get('/admin/billing/export.csv?chart=movements&months=3');
	const lines = (await file.text()).trim().split('\r\n');
	expect(lines).toHaveLength(4);
	expect(lines[0]).toContain('MRR inicial');

	const figures = await fetch(`${demo.app}/api/billing/metrics?months=3`, {
		headers: { authorization: `Bearer ${demo.api_token}` }
	});
	const { data } = (await figures.json()) as {
		data: { current: { mrr: number; arr: number; new: number; customers: number } };
	};
	expect(data.current.mrr).toBeGreaterThanOrEqual(4_900);
	expect(data.current.arr).toBe(data.current.mrr * 12);
	expect(data.current.customers).toBeGreaterThan(0);
});

test("the dashboard and Stripe's events can be read by everybody", async ({ page, loginAs }) => {
	await loginAs('staff');
	await page.goto('/admin');
	await expect(page.getByRole('link', { name: /^Cobranzas abiertas/ })).toBeVisible();
	await expect(page.getByRole('link', { name: /^Diferencias abiertas/ })).toBeVisible();
	await expect(page.getByRole('region', { name: 'Instancias por estado' })).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	await page.goto('/admin/billing/events');
	await expect(page.getByRole('heading', { level: 1, name: 'Facturación' })).toBeVisible();
	await expectAccessible(page);
	await page.goto('/admin/billing/events?state=failed&q=nadie');
	await expectAccessible(page);
});
