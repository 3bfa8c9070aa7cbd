import type { Page } from '@playwright/test';
import { mailedLink, orderByLink, payByCard, somebody } from '../buying.ts';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

test.describe.configure({ mode: 'serial', timeout: 240_000 });
tellOnce();

const PASSWORD = 'cacao-con-canela-7';
const buyer = somebody('muda');
let tenant = '';

async function enter(page: Page): Promise<void> {
	await page.goto('/login/tenant');
	await page.locator('input[name=email]').fill(buyer.email);
	await page.locator('input[name=password]').fill(PASSWORD);
	await page.locator('form:has(input[name=password]) button[type=submit]').click();
	await page.waitForURL(/\/tenant\/portal/);
}

test('a customer of a shared server sees what its own one means, pays, and follows the move', async ({
	page,
	demo,
	loginAs
}) => {
	await loginAs('staff');
	tenant = await orderByLink(page, buyer);
	await page.goto(await mailedLink(demo, buyer.email, '/signup/continue'));
	await payByCard(page, '4242424242424242');
	await page.waitForURL(/\/success/);
	await page.goto(tenant);
	await expect(page.getByText('Activa', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
	await page.goto(await mailedLink(demo, buyer.email, '/set-password/'));
	await page.locator('input[name=password]').fill(PASSWORD);
	await page.locator('form button[type=submit]').first().click();
	await page.waitForURL((found) => !found.pathname.startsWith('/set-password'));
	await enter(page);
	await page.goto('/tenant/portal/billing');
	await page.getByRole('link', { name: 'Cambiar plan o usuarios' }).click();
	await page.getByRole('radio', { name: /^Pro/ }).check();
	await page.getByRole('button', { name: 'Ver la factura' }).click();
	await page.waitForURL(/\/change\/[0-9a-f-]{36}$/);
	await expect(page.getByRole('heading', { name: 'Su instancia se muda' })).toBeVisible();
	await expect(page.getByText('servidor exclusivo', { exact: true })).toBeVisible();
	await expect(page.getByText('Total a pagar hoy')).toBeVisible();
	await lookAt(page, 'portal-change-move');
	await page.getByRole('button', { name: /^Confirmar y pagar/ }).click();
	await expect(page.getByText('Listo: el cambio está hecho.')).toBeVisible({ timeout: 20_000 });
	await expect(page.getByText(`Estamos mudando ${buyer.slug}`)).toBeVisible({ timeout: 20_000 });
	await page.goto('/tenant/portal/billing');
	await expect(page.getByText(`${buyer.slug} ya está en un servidor exclusivo`)).toBeVisible({
		timeout: 90_000
	});
	await expect(page.getByText(/Estuvo fuera de línea .* seg\./)).toBeVisible();
	await lookAt(page, 'portal-billing-moved');
});

test('staff see where it was and is, let the previous one go, and see what another move means', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	await page.goto(tenant);
	const moves = page.locator('#moves');
	await expect(moves.getByText('De Compartido a Dedicado')).toBeVisible();
	await expect(moves.getByText(/fuera de línea .* s/)).toBeVisible();
	await lookAt(page, 'admin-tenant-moves');
	await page.goto('/admin/billing/subscriptions');
	const subscription = page.getByRole('row').filter({ hasText: buyer.company });
	await subscription.getByRole('link').first().click();
	await expect(page.getByText(`${buyer.slug} ya está en un servidor exclusivo`)).toBeVisible();
	await lookAt(page, 'admin-subscription-moved');
	await page.getByRole('link', { name: 'Ver la mudanza' }).click();
	await page.waitForURL(/\/admin\/tenants\/[0-9a-f-]{36}\?run=/);
	const dialog = page.getByRole('dialog', { name: /¿Borrar lo que/ });
	await expect(async () => {
		await moves.getByRole('button', { name: 'La anterior se puede borrar…' }).click();
		await expect(dialog).toBeVisible({ timeout: 1_000 });
	}).toPass({ timeout: 20_000 });
	await dialog.locator('input[name=confirm]').fill(buyer.slug);
	await dialog.getByRole('button', { name: 'La anterior se puede borrar' }).click();
	await expect(moves.getByText('Hecha', { exact: true })).toBeVisible({ timeout: 60_000 });
	await moves.getByRole('link', { name: 'Mudar…' }).click();
	await page.getByRole('radio', { name: /^Compartido/ }).check();
	await page.getByRole('button', { name: 'Ver qué significa' }).click();
	await expect(page.getByRole('heading', { name: 'Qué significa' })).toBeVisible();
	await expect(page.getByRole('button', { name: 'Mudar la instancia' })).toBeDisabled();
	await lookAt(page, 'admin-tenant-move');
});
