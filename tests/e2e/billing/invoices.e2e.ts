import { join } from 'node:path';
import type { Page } from '@playwright/test';
import Stripe from 'stripe';
import type { DemoFile } from '../../../src/cli/demo-data.ts';
import { mailedLink, orderByLink, payByCard, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test.describe.configure({ mode: 'serial', timeout: 240_000 });

/** Pays once and never again. */
const LATER = '4000000000000341';
const PASSWORD = 'cacao-con-canela-7';
const buyer = somebody('factura');
let paid = '';
let open = '';
let portal = '';

function stripeOf(demo: DemoFile): Stripe {
	const { url, key } = demo.vendors.stripe;
	const { hostname, port } = new URL(url);
	return new Stripe(key, { host: hostname, port, protocol: 'http', telemetry: false });
}

async function subscriptionOf(sdk: Stripe): Promise<Stripe.Subscription> {
	const customer = (await sdk.customers.list({ email: buyer.email })).data[0]!;
	return (await sdk.subscriptions.list({ customer: customer.id })).data[0]!;
}

async function confirmWho(page: Page, password: string): Promise<void> {
	await page.waitForTimeout(300);
	if (!page.url().includes('/login/confirm')) return;
	await page.locator('input[name=proof]').fill(password);
	await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	await page.waitForURL((url) => !url.pathname.startsWith('/login'));
}

async function choose(page: Page, item: string, password: string) {
	await page.getByRole('button', { name: 'Más acciones' }).click();
	await page.getByRole('menuitem', { name: item }).click();
	await confirmWho(page, password);
	return page.getByRole('dialog');
}

test('staff find an invoice, with the totals of what they filter', async ({
	page,
	demo,
	loginAs
}) => {
	await loginAs('staff');
	const tenant = await orderByLink(page, buyer);
	await page.goto(await mailedLink(demo, buyer.email, '/signup/continue'));
	await payByCard(page, LATER);
	await page.waitForURL(/\/success/);
	await page.goto(tenant);
	await expect(page.getByText('Activa', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
	portal = await mailedLink(demo, buyer.email, '/set-password/');

	await page.goto(`/admin/billing/invoices?q=${buyer.slug}`);
	const totals = page.getByTestId('invoice-totals');
	await expect(totals.getByText('1 factura', { exact: true })).toBeVisible();
	await expect(totals.getByText(/29[.,]00/).first()).toBeVisible();
	const link = page
		.getByRole('table', { name: 'Facturas' })
		.locator('tbody')
		.getByRole('link')
		.first();
	paid = (await link.getAttribute('href'))!;
	await page.goto('/admin/billing/invoices');
	await lookAt(page, 'invoices-list');
	await page.goto('/admin/billing/invoices?status=void&q=nadie');
	await expect(page.getByText('Nada que sumar con estos filtros.')).toBeVisible();
	const csv = await page.request.get(`/admin/billing/invoices/export.csv?q=${buyer.slug}`);
	expect((await csv.text()).trim().split('\n')).toHaveLength(2);
});

test('part of it goes back, once, after the question', async ({ page, demo, loginAs }) => {
	await loginAs('staff');
	await page.goto(paid);
	const number = (await page.getByRole('heading', { level: 1 }).textContent())!.trim();
	const dialog = await choose(page, 'Reembolsar…', demo.staff.password);
	await expect(dialog.locator('input[name=amount]')).toHaveValue('29,00');
	await dialog.locator('input[name=amount]').fill('40');
	await dialog.locator('textarea[name=reason]').fill('Cobro de más');
	await dialog.locator('input[name=confirm]').fill(number);
	await dialog.getByRole('button', { name: 'Reembolsar' }).click();
	await expect(dialog.getByText(/no más de lo que queda/)).toBeVisible();
	await expect(dialog.locator('textarea[name=reason]')).toHaveValue('Cobro de más');
	await expectAccessible(page);
	await dialog.locator('input[name=amount]').fill('10,00');
	if (process.env.E2E_SHOTS)
		await page.screenshot({
			path: join(process.env.E2E_SHOTS, `invoice-refund-${test.info().project.name}.png`)
		});
	await dialog.getByRole('button', { name: 'Reembolsar' }).click();
	await expect(page.getByText('Reembolsado: Stripe confirma la devolución.')).toBeVisible({
		timeout: 20_000
	});
	await expect(dialog).toBeHidden();
	await expect(page.getByText('Devuelta en parte')).toBeVisible();
	await expect(page.locator('[data-act=refund]').getByText('Hecho')).toBeVisible();
	await lookAt(page, 'invoice-paid');
	await page.goto(`${paid}/activity`);
	await expect(page.getByText('Reembolsar factura')).toBeVisible();
	await expectAccessible(page);
});

test('an open one tells what the bank said, and waits for a second person above the limit', async ({
	page,
	demo,
	loginAs,
	expectConsole
}) => {
	// Pressed before the page's scripts are there, what the bank declined is a page of that status.
	expectConsole(/409/);
	const sdk = stripeOf(demo);
	const { id, items } = await subscriptionOf(sdk);
	await sdk.subscriptions.update(id, {
		items: [{ id: items.data[0]!.id, quantity: 30 }],
		proration_behavior: 'always_invoice'
	});
	await loginAs('staff');
	await expect(async () => {
		await page.goto(`/admin/billing/invoices?q=${buyer.slug}&status=late`);
		await expect(page.getByText('Vencida').last()).toBeVisible({ timeout: 1_000 });
	}).toPass({ timeout: 30_000 });
	const link = page
		.getByRole('table', { name: 'Facturas' })
		.locator('tbody')
		.getByRole('link')
		.first();
	open = (await link.getAttribute('href'))!;
	await page.goto(open);
	await page.getByRole('button', { name: 'Cobrar ahora' }).click();
	await expect(page.locator('[data-act=retry]').getByText('No se pudo')).toBeVisible({
		timeout: 20_000
	});
	await expect(page.getByText('generic_decline').first()).toBeVisible();

	const number = (await page.getByRole('heading', { level: 1 }).textContent())!.trim();
	const dialog = await choose(page, 'Marcar como pagada…', demo.staff.password);
	await expect(dialog.getByText(/espera a que otra persona lo apruebe/)).toBeVisible();
	await dialog.locator('textarea[name=reason]').fill('Transferencia');
	await dialog.locator('input[name=confirm]').fill(number);
	await dialog.getByRole('button', { name: 'Marcar como pagada' }).click();
	await expect(page.getByText('Algo espera la aprobación de otra persona')).toBeVisible();
	await expect(dialog).toBeHidden();
	await lookAt(page, 'invoice-open');

	await page.goto('/admin/billing/approvals');
	await expect(page.getByText('Transferencia')).toBeVisible();
	await expect(page.getByRole('button', { name: 'Aprobar' })).toHaveCount(0);
	await lookAt(page, 'approvals');
	await page.getByRole('button', { name: 'Retirar' }).click();
	const taking = page.getByRole('dialog', { name: 'Retirar lo que pidió' });
	await taking.locator('textarea[name=reason]').fill('Me equivoqué');
	await taking.getByRole('button', { name: 'Retirar' }).click();
	await expect(page.getByText('Nada espera aprobación')).toBeVisible();
});

test('the customer reads it in the portal and pays it', async ({ page, demo, expectConsole }) => {
	// A declined payment is answered as one.
	expectConsole(/402/);
	await page.goto(portal);
	await page.locator('input[name=password]').fill(PASSWORD);
	await page.locator('form button[type=submit]').first().click();
	await page.waitForURL((found) => !found.pathname.startsWith('/set-password'));
	if (page.url().includes('/login')) {
		await page.locator('input[name=email]').fill(buyer.email);
		await page.locator('input[name=password]').fill(PASSWORD);
		await page.locator('form:has(input[name=password]) button[type=submit]').click();
	}
	await page.waitForURL(/\/tenant\/portal/);
	await page.goto('/tenant/portal/billing/invoices');
	await expect(page.getByText('Vencida').last()).toBeVisible();
	await lookAt(page, 'portal-invoices');
	await page.goto('/tenant/portal/billing/invoices?status=late');
	await page.getByRole('table').locator('tbody').getByRole('link').first().click();
	await expect(page.getByText('El último pago no se pudo cobrar')).toBeVisible();
	await lookAt(page, 'portal-invoice');
	// The page said so before: it is the answer to this attempt that counts.
	const answered = page.waitForResponse((response) => response.url().includes('?/pay'));
	await page.getByRole('button', { name: 'Pagar con la tarjeta guardada' }).click();
	await answered;
	await expect(page.getByText(/El banco rechazó el pago sin decir por qué/).last()).toBeVisible();

	const sdk = stripeOf(demo);
	const subscription = await subscriptionOf(sdk);
	const customer = String(subscription.customer);
	const method = await sdk.paymentMethods.create({
		type: 'card',
		card: { number: '4242424242424242', exp_month: 12, exp_year: 2034, cvc: '123' }
	});
	await sdk.paymentMethods.attach(method.id, { customer });
	await sdk.subscriptions.update(subscription.id, { default_payment_method: method.id });
	await page.reload();
	await page.getByRole('button', { name: 'Pagar con la tarjeta guardada' }).click();
	await expect(page.getByText('Gracias: recibimos su pago.')).toBeVisible({ timeout: 20_000 });
	await expect(page.locator('header:has(h1)').getByText('Pagada', { exact: true })).toBeVisible();
	await expect(page.getByRole('button', { name: 'Pagar con la tarjeta guardada' })).toHaveCount(0);
	await expectAccessible(page);
});
