import type { Page } from '@playwright/test';
import { mailedLink, orderByLink, payByCard, somebody } from '../buying.ts';
import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

async function post(url: string, body: object): Promise<void> {
	const headers = { 'content-type': 'application/json' };
	const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
	expect(answer.ok, url).toBe(true);
}

async function confirmWho(page: Page, password: string): Promise<void> {
	if (!page.url().includes('/login/confirm')) return;
	await page.locator('input[name=proof]').fill(password);
	await page.locator('form:has(input[name=proof]) button[type=submit]').click();
}

test('staff send a refund that bounced once more', async ({ page, demo, loginAs }) => {
	test.setTimeout(240_000);
	const buyer = somebody('rebote');
	// Three looks for the record of this name are refused: that is as often as a refusal is tried.
	await post(`${demo.sandbox}/__sandbox/faults`, {
		...{ target: 'cloudflare', match: `dns_records\\?.*${buyer.slug}`, kind: 'status' },
		...{ status: 403, times: 3 }
	});
	await loginAs('staff');
	const tenant = await orderByLink(page, buyer);
	await page.goto(await mailedLink(demo, buyer.email, '/signup/continue'));
	await payByCard(page, '4242424242424242');
	await page.waitForURL(/\/success/);
	await page.goto(tenant);
	await expect(page.getByText('El alta falló en el paso «DNS»')).toBeVisible({ timeout: 60_000 });

	await post(`${demo.vendors.stripe.url}/__sandbox/stripe/refunds/next`, { status: 'failed' });
	await page.getByRole('button', { name: 'Deshacer y reembolsar' }).click();
	await page.waitForTimeout(300);
	await confirmWho(page, demo.staff.password);
	const undo = page.getByRole('dialog');
	await undo.locator('input[name=confirm]').fill(buyer.slug);
	await undo.getByRole('button', { name: 'Deshacer y reembolsar' }).click();
	await expect(undo).toBeHidden();

	await expect(async () => {
		await page.goto(`${tenant}/subscription`);
		await expect(page.getByText('Falló', { exact: true }).last()).toBeVisible({ timeout: 1_000 });
		await page.getByRole('link', { name: 'Ver el reembolso' }).click({ timeout: 1_000 });
		await expect(page.getByText('El banco rechazó el reembolso')).toBeVisible({ timeout: 2_000 });
	}).toPass({ timeout: 60_000 });
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Enviar de nuevo…' }).click();
	await page.waitForTimeout(300);
	await confirmWho(page, demo.staff.password);
	const again = page.getByRole('dialog', { name: 'Enviar de nuevo el reembolso' });
	await expect(again.getByText(`Stripe envía a ${buyer.company}`)).toBeVisible();
	await expectAccessible(page);
	await again.getByRole('button', { name: 'Enviar de nuevo' }).click();
	await expect(page.locator('header:has(h1)').getByText('Devuelto', { exact: true })).toBeVisible({
		timeout: 30_000
	});
	await expect(page.getByText('Rechazado', { exact: true })).toBeVisible();
	await expect(page.getByText('Enviado', { exact: true })).toBeVisible();
	await expect(page.getByRole('button', { name: 'Enviar de nuevo…' })).toBeHidden();
	await expectAccessible(page);
});
