import { expect, type Page } from '@playwright/test';
import type { DemoFile } from '../../src/cli/demo-data.ts';

/** What somebody types to sign up; every call is somebody else, so that stories do not meet. */
export function somebody(prefix: string) {
	const slug = `${prefix}-${Date.now().toString(36)}${Math.floor(Math.random() * 1_000)}`;
	return {
		slug,
		company: `Comercial ${slug}`,
		name: 'Ana Vera',
		email: `${slug}@ejemplo.com`
	};
}

export type Buyer = ReturnType<typeof somebody>;

/** Fills the signup form; nothing is sent yet. */
export async function fillSignup(page: Page, buyer: Buyer, country = 'EC'): Promise<void> {
	await page.locator('input[name=company_name]').fill(buyer.company);
	await page.locator('input[name=full_name]').fill(buyer.name);
	await page.locator('input[name=email]').fill(buyer.email);
	await page.locator('select[name=country]').selectOption(country);
	await page.locator('input[name=subdomain]').fill(buyer.slug);
	await page.locator('input[name=terms]').check();
}

/** Has logged-in staff order an instance. @returns the page of the tenant */
async function order(page: Page, buyer: Buyer, plan: string, billing?: string): Promise<string> {
	await page.goto('/admin/tenants?new');
	const dialog = page.getByRole('dialog', { name: 'Nueva instancia' });
	await dialog.locator('input[name=company_name]').fill(buyer.company);
	await dialog.locator('input[name=email]').fill(buyer.email);
	await dialog.locator('input[name=subdomain]').fill(buyer.slug);
	await dialog.locator('select[name=plan]').selectOption(plan);
	if (billing) await dialog.getByText(billing, { exact: true }).click();
	await dialog.getByRole('button', { name: 'Crear la instancia' }).click();
	await page.waitForURL(/\/admin\/tenants\/[0-9a-f-]{36}$/);
	return page.url();
}

/** Has logged-in staff order a shared instance that the customer pays by a mailed link. @returns the page of the tenant */
export function orderByLink(page: Page, buyer: Buyer): Promise<string> {
	return order(page, buyer, 'basic', 'Enlace de pago');
}

/** Has logged-in staff set up an instance with a container of its own, and waits for it. @returns the page of the tenant */
export async function setUpPro(page: Page, buyer: Buyer): Promise<string> {
	const tenant = await order(page, buyer, 'pro');
	await expect(page.locator('header:has(h1)').getByText('Activa', { exact: true })).toBeVisible({
		timeout: 90_000
	});
	return tenant;
}

/** Pays on Stripe's page. */
export async function payByCard(page: Page, number: string): Promise<void> {
	await page.locator('input[name=cardNumber]').fill(number);
	await page.locator('input[name=cardExpiry]').fill('12/34');
	await page.locator('input[name=cardCvc]').fill('123');
	await page.locator('input[name=billingName]').fill('ANA VERA');
	await page.getByTestId('submit').click();
}

/**
 * The latest mail to an address that holds such a link, and the link.
 * @throws Error without one; after 20 s unless told otherwise
 */
export async function mailedLink(
	demo: DemoFile,
	to: string,
	path: string,
	waitMs = 20_000
): Promise<string> {
	const pattern = new RegExp(`${demo.app}${path}[^\\s"'<>)]+`);
	for (const deadline = Date.now() + waitMs; Date.now() < deadline;) {
		const answer = await fetch(`${demo.sandbox}/__sandbox/mail?to=${encodeURIComponent(to)}`);
		const { mails } = (await answer.json()) as { mails: { text: string }[] };
		const found = mails.map(({ text }) => pattern.exec(text)?.[0]).find(Boolean);
		if (found) return found;
		await new Promise((resolve) => setTimeout(resolve, 300));
	}
	throw new Error(`no mail to ${to} with a link to ${path}`);
}
