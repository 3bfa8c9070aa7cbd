import { expect, expectAccessible, lookAt, test } from '../fixtures.ts';

const PAGES = ['', '/billing', '/team', '/activity', '/security'];

for (const path of PAGES) {
	test(`the portal's ${path || 'first page'} reads well in both themes`, async ({
		page,
		loginAs
	}) => {
		await loginAs('customer');
		await page.goto(`/tenant/portal${path}`);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		await lookAt(page);
	});
}

test('the member sees who acts for the company, and what was done', async ({
	page,
	loginAs,
	demo
}) => {
	await loginAs('customer');
	await page.goto('/tenant/portal/team');
	await expect(page.getByRole('cell', { name: demo.customer.email })).toBeVisible();
	await expect(page.getByRole('cell', { name: 'Propietario' }).first()).toBeVisible();
	await page.goto('/tenant/portal/activity');
	await expect(page.getByRole('table')).toBeVisible();
});

test('who is not logged in is sent to the login and comes back', async ({ page, demo }) => {
	await page.goto('/tenant/portal/billing');
	await expect(page).toHaveURL(/\/login\/tenant\?next=/);
	await page.locator('input[name=email]').fill(demo.customer.email);
	await page.locator('input[name=password]').fill(demo.customer.password);
	await page.locator('form:has(input[name=password]) button[type=submit]').click();
	await expect(page).toHaveURL(/\/tenant\/portal\/billing$/);
});

test('the phone menu opens, holds the focus and closes on Escape', async ({ page, isMobile }) => {
	test.skip(!isMobile, 'a wide page has no menu button');
	await page.goto('/');
	await page.getByRole('button', { name: 'Menú' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toBeVisible();
	await expectAccessible(page);
	await page.keyboard.press('Escape');
	await expect(dialog).toBeHidden();
});
