import { somebody } from '../buying.ts';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('an instance with high availability has a second node, and says so to everybody', async ({
	page,
	loginAs,
	demo,
	request
}) => {
	test.setTimeout(150_000);
	const buyer = somebody('relevo');
	await page.goto('/');
	await expect(page.getByRole('link', { name: 'Empezar con Enterprise' })).toBeVisible();
	const made = await request.post(`${demo.app}/api/tenants`, {
		headers: { authorization: `Bearer ${demo.api_token}` },
		data: {
			...{ company_name: buyer.company, email: buyer.email, subdomain: buyer.slug },
			...{ plan: 'enterprise', billing: 'free', billing_reason: 'prueba' }
		}
	});
	expect(made.status()).toBe(202);
	const { data } = (await made.json()) as { data: { id: string } };
	await loginAs('staff');
	await page.goto(`/admin/tenants/${data.id}`);
	await expect(page.locator('header:has(h1)').getByText('Activa', { exact: true })).toBeVisible({
		timeout: 90_000
	});

	await page.goto(`/admin/infrastructure?tab=containers&q=${buyer.slug}`);
	await page
		.getByRole('table', { name: 'Contenedores' })
		.getByRole('link', { name: buyer.slug })
		.first()
		.click();
	const card = page.getByRole('region', { name: 'Alta disponibilidad' });
	await expect(card.getByText('Protegido')).toBeVisible();
	await expect(card.getByText('Almacenamiento compartido')).toBeVisible();
	await lookAt(page, 'ha-container');

	await card
		.getByRole('link', { name: /^pve\d$/ })
		.last()
		.click();
	const standbys = page.getByRole('region', { name: 'Tomaría el relevo de' });
	await expect(standbys.getByRole('link', { name: new RegExp(buyer.slug) })).toBeVisible();
	await lookAt(page, 'ha-node');
});
