import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { DemoFile } from '../../../src/cli/demo-data.ts';
import { removePostgres } from '../../../src/cli/postgres.ts';
import { freePorts } from '../../../src/cli/processes.ts';
import { startStack } from '../../../src/cli/stack.ts';
import { mailedLink, orderByLink, payByCard, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, tellOnce, test as base } from '../fixtures.ts';

tellOnce();

/** Weeks go by here, in which nobody else's story may take place: a product of its own. */
const test = base.extend<object, { demo: DemoFile }>({
	demo: [
		// eslint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from this pattern
		async ({}, use) => {
			const dataDir = mkdtempSync(join(tmpdir(), 'erp-core-dunning-'));
			chmodSync(dataDir, 0o755);
			const random = () => 12_000 + Math.floor(Math.random() * 20_000);
			const stack = await startStack({
				...{ dataDir, app: 'built', speed: 0, durable: false },
				port: await freePorts(random()),
				sandboxPort: await freePorts(random(), 12)
			});
			await use(stack.demo);
			await stack.stop();
			removePostgres(join(dataDir, 'postgres'));
			rmSync(dataDir, { recursive: true, force: true });
		},
		{ scope: 'worker', timeout: 180_000 }
	]
});
test.describe.configure({ mode: 'serial', timeout: 240_000 });

/** Longer than the minute after which the worker looks again. */
const A_MINUTE = 90_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const LATER = '4000000000000341';
const PASSWORD = 'cacao-con-canela-7';

const buyer = somebody('atraso');
let instance = '';
let caseUrl = '';
let portal = '';

async function pass(demo: DemoFile, seconds: number): Promise<void> {
	const answer = await fetch(`${demo.sandbox}/__sandbox/clock`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ advance_seconds: seconds })
	});
	expect(answer.ok).toBe(true);
}

async function confirmWho(page: Page, password: string): Promise<void> {
	await page.waitForTimeout(300);
	if (!page.url().includes('/login/confirm')) return;
	await page.locator('input[name=proof]').fill(password);
	await page.locator('form:has(input[name=proof]) button[type=submit]').click();
}

test('a renewal fails, and staff see what will happen on which date', async ({
	page,
	demo,
	loginAs
}) => {
	const shared = new URL(demo.vendors.edge);
	instance = `http://${buyer.slug}.localhost:${shared.port}/web/login`;
	await loginAs('staff');
	const tenant = await orderByLink(page, buyer);
	await page.goto(await mailedLink(demo, buyer.email, '/signup/continue'));
	await payByCard(page, LATER);
	await page.waitForURL(/\/success/);
	await page.goto(tenant);
	await expect(page.getByText('Activa', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
	portal = await mailedLink(demo, buyer.email, '/set-password/');

	await pass(demo, 31 * DAY + 2 * HOUR);
	await expect(async () => {
		await page.goto('/admin/billing/dunning');
		await expect(page.getByText(buyer.company)).toBeVisible({ timeout: 1_000 });
	}).toPass({ timeout: A_MINUTE });
	// What is due is looked for once a minute.
	const link = await mailedLink(demo, buyer.email, '/pay/', A_MINUTE);
	expect(link).toContain('/pay/');
	await lookAt(page, 'dunning-list');
	await page.getByRole('link', { name: buyer.company }).first().click();
	await page.waitForURL(/\/dunning\/[0-9a-f-]{36}$/);
	caseUrl = page.url();
	await expect(page.getByRole('heading', { name: 'Cronología' })).toBeVisible();
	await expect(page.getByText('Suspensión').first()).toBeVisible();
	await lookAt(page, 'dunning-case');
});

test('staff give more time, and try the card now', async ({ page, loginAs }) => {
	await loginAs('staff');
	await page.goto(caseUrl);
	await page.getByRole('button', { name: 'Dar más tiempo…' }).click();
	const dialog = page.getByRole('dialog', { name: 'Dar más tiempo' });
	await dialog.locator('input[name=until]').fill('2020-01-01');
	await dialog.locator('textarea[name=reason]').fill('Paga el viernes');
	await dialog.getByRole('button', { name: 'Dar más tiempo' }).click();
	await expect(dialog.getByText('Elija un día futuro')).toBeVisible();
	await expect(dialog.locator('textarea[name=reason]')).toHaveValue('Paga el viernes');
	await expectAccessible(page);
	await page.keyboard.press('Escape');
	await expect(dialog).toBeHidden();
	await page.getByRole('button', { name: 'Reintentar el cobro' }).click();
	await expect(page.getByText(/Cobro intentado: rechazado por el banco/)).toBeVisible({
		timeout: 20_000
	});
});

test('a policy is edited as data, and played over last year before', async ({ page, loginAs }) => {
	await loginAs('staff');
	await page.goto('/admin/billing/dunning/policies');
	await lookAt(page, 'dunning-policies');
	await page.getByRole('link', { name: 'Simular' }).first().click();
	await expect(page.getByRole('heading', { name: /Qué habría pasado/ })).toBeVisible();
	await page.locator('input[name=suspend]:not([type=hidden])').fill('5');
	await page.getByRole('button', { name: 'Simular' }).click();
	await expect(page.getByText(/Tiene que ser al menos un día después/)).toBeVisible();
	await page.locator('input[name=read_only]:not([type=hidden])').fill('');
	await page.locator('input[name=suspend]:not([type=hidden])').fill('20');
	await page.getByRole('button', { name: 'Simular' }).click();
	await expect(page.getByText('Cobrado antes de suspender')).toBeVisible();
	await expect(page.getByText(buyer.company)).toBeVisible();
	await lookAt(page, 'dunning-simulator');

	await page.goto('/admin/billing/dunning/policies');
	await page.getByRole('button', { name: 'Editar…' }).first().click();
	const dialog = page.getByRole('dialog', { name: /Editar/ });
	await dialog.locator('input[name=mails]').fill('0, tres');
	await dialog.getByRole('button', { name: 'Guardar versión' }).click();
	await expect(dialog.getByText(/días separados por comas/).first()).toBeVisible();
	await expect(dialog.locator('input[name=mails]')).toHaveValue('0, tres');
	await dialog.locator('input[name=mails]').fill('0');
	await dialog.locator('input[name=retries]').fill('');
	await dialog.locator('input[name=read_only]').fill('');
	await dialog.locator('input[name=suspend]').fill('1');
	await dialog.getByText(/Mover también/).click();
	await expectAccessible(page);
	await dialog.getByRole('button', { name: 'Guardar versión' }).click();
	await expect(page.getByText(/Política guardada; casos movidos: 1/)).toBeVisible();
	await expect(page.getByText('v2').first()).toBeVisible();
});

test('the customer reads it in the portal, its instance says why at the edge, and comes back with the payment', async ({
	page,
	demo,
	expectConsole
}) => {
	// The page at the edge is meant to be a 503.
	expectConsole(/503/);
	// The stand-in for the ERP has no icon.
	expectConsole(/favicon\.ico/);
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
	await expect(page.getByText(/Tiene .*29[.,]00.* por pagar/)).toBeVisible();
	await page.getByText('Ver las fechas').click();
	await lookAt(page, 'portal-late');

	await pass(demo, 2 * DAY);
	await expect(async () => {
		const answer = await page.goto(instance);
		expect(answer?.status()).toBe(503);
		await expect(page.getByRole('heading', { name: 'Esta instancia está suspendida' })).toBeVisible(
			{
				timeout: 1_000
			}
		);
	}).toPass({ timeout: A_MINUTE });
	await expect(page.getByText('Monto pendiente')).toBeVisible();
	await expect(page.getByText(/termina la suscripción/)).toBeVisible();
	await expect(page.getByText(buyer.email)).toHaveCount(0);
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme });
		await expectAccessible(page);
		if (process.env.E2E_SHOTS)
			await page.screenshot({
				path: join(process.env.E2E_SHOTS, `offair-${colorScheme}-${test.info().project.name}.png`)
			});
	}
	await page.getByRole('link', { name: 'Pagar ahora' }).click();
	await expect(page.getByRole('heading', { name: 'Pago pendiente' })).toBeVisible();
	await expect(page.getByText(buyer.email)).toHaveCount(0);
	await expect(page.getByText(buyer.company)).toHaveCount(0);
	const payPage = page.url();
	await lookAt(page, 'pay');
	await page.getByRole('link', { name: /^Pagar ahora: factura/ }).click();
	await page.waitForURL(/\/i\//);
	await page.locator('input[name=cardNumber]').fill('4242424242424242');
	await page.locator('input[name=cardExpiry]').fill('12/40');
	await page.locator('input[name=cardCvc]').fill('123');
	await page.locator('form:has(input[name=cardNumber]) button').click();

	await expect(async () => {
		const answer = await page.goto(instance);
		expect(answer?.status()).toBe(200);
	}).toPass({ timeout: 60_000 });
	await page.goto(payPage);
	await expect(page.getByRole('heading', { name: 'No hay nada por pagar' })).toBeVisible();
	await expectAccessible(page);
});

test('the case is closed as paid, and its page tells the whole story', async ({
	page,
	loginAs,
	demo
}) => {
	await loginAs('staff');
	await page.goto(caseUrl);
	await confirmWho(page, demo.staff.password);
	await expect(page.getByText('Pagado', { exact: true }).first()).toBeVisible();
	await expect(page.getByRole('button', { name: 'Detener…' })).toHaveCount(0);
	await lookAt(page, 'dunning-paid');
	await page.goto('/admin/billing/dunning');
	await expect(page.getByText('Ningún pago atrasado')).toBeVisible();
	await page.goto('/admin/billing/dunning?state=paid');
	await expect(page.getByText(buyer.company)).toBeVisible();
});
