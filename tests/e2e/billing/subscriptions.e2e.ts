import type { Page } from '@playwright/test';
import type { DemoFile } from '../../../src/cli/demo-data.ts';
import { mailedLink, orderByLink, payByCard, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, test } from '../fixtures.ts';

test.describe.configure({ mode: 'serial', timeout: 240_000 });

const PASSWORD = 'cacao-con-canela-7';
const buyer = somebody('cambio');
const mark = Date.now().toString(36) + String(Math.floor(Math.random() * 1_000));
const plan = { key: `mas-${mark}`, name: `Plus ${mark}` };
let portal = '';

async function api<T>(demo: DemoFile, method: string, path: string, body?: object) {
	const answer = await fetch(`${demo.app}/api${path}`, {
		method,
		headers: { authorization: `Bearer ${demo.api_token}`, 'content-type': 'application/json' },
		...(body && { body: JSON.stringify(body) })
	});
	const said = (await answer.json()) as { success: boolean; data: T; error?: string };
	return { status: answer.status, ...said };
}

async function enter(page: Page): Promise<void> {
	await page.goto('/login/tenant');
	await page.locator('input[name=email]').fill(buyer.email);
	await page.locator('input[name=password]').fill(PASSWORD);
	await page.locator('form:has(input[name=password]) button[type=submit]').click();
	await page.waitForURL(/\/tenant\/portal/);
	await page.goto('/tenant/portal/billing');
}

async function confirmWho(page: Page): Promise<void> {
	await page.waitForURL(/\/login\/confirm/, { timeout: 3_000 }).catch(() => undefined);
	if (!page.url().includes('/login/confirm')) return;
	await page.locator('input[name=proof]').fill(PASSWORD);
	await page.locator('form:has(input[name=proof]) button[type=submit]').click();
	await page.waitForURL((url) => !url.pathname.startsWith('/login'));
}

test('a customer buys, and a dearer plan of the same kind comes on sale', async ({
	page,
	demo,
	loginAs
}) => {
	await loginAs('staff');
	const tenant = await orderByLink(page, buyer);
	await page.goto(await mailedLink(demo, buyer.email, '/signup/continue'));
	await payByCard(page, '4242424242424242');
	await page.waitForURL(/\/success/);
	await page.goto(tenant);
	await expect(page.getByText('Activa', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
	portal = await mailedLink(demo, buyer.email, '/set-password/');
	const made = await api<{ id: string; revision: number }>(demo, 'POST', '/plans', {
		...plan,
		isolation: 'shared',
		cpu_cores: 2,
		ram_mb: 4_096,
		disk_gb: 20,
		backup_interval_hours: 24,
		sla_basis_points: 9_950,
		prices: [
			{ interval: 'month', currency: 'usd', amount: 5_900 },
			{ interval: 'year', currency: 'usd', amount: 59_000 }
		]
	});
	expect(made.status).toBe(201);
	const sold = await api(demo, 'PATCH', `/plans/${made.data.id}`, {
		revision: made.data.revision,
		published: true,
		purchasable: true
	});
	expect(sold).toMatchObject({ status: 200, success: true });
});

test('the exact invoice is shown, and charged as it was shown', async ({ page, demo }) => {
	await page.goto(portal);
	await page.locator('input[name=password]').fill(PASSWORD);
	await page.locator('form button[type=submit]').first().click();
	await page.waitForURL((found) => !found.pathname.startsWith('/set-password'));
	await enter(page);
	await lookAt(page, 'portal-billing');
	await page.getByRole('link', { name: 'Cambiar plan o usuarios' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Cambiar de plan' })).toBeVisible();
	await lookAt(page, 'portal-change');
	// Nothing is different: said in a sentence, and nothing typed is lost.
	await page.locator('input[name=quantity]').fill('0');
	await page.getByRole('button', { name: 'Ver la factura' }).click();
	await expect(page.locator('input[name=quantity]')).toHaveAttribute('aria-invalid', 'true');
	await page.locator('input[name=quantity]').fill('1');
	await page.getByRole('button', { name: 'Ver la factura' }).click();
	await expect(page.getByText('no hay nada que cambiar')).toBeVisible();

	await page.getByRole('radio', { name: plan.name }).check();
	await page.getByRole('button', { name: 'Ver la factura' }).click();
	await page.waitForURL(/\/change\/[0-9a-f-]{36}$/);
	await expect(page.getByText('Total a pagar hoy')).toBeVisible();
	await lookAt(page, 'portal-change-shown');
	const due = await page.locator('tfoot td').innerText();
	await page.getByRole('button', { name: `Confirmar y pagar ${due}` }).click();
	await expect(page.getByText('Listo: el cambio está hecho.')).toBeVisible({ timeout: 20_000 });
	await expect(page.getByText(`Se cobró exactamente lo que se mostró: ${due}.`)).toBeVisible();
	await lookAt(page, 'portal-change-done');

	const { data } = await api<{ plan: { key: string } }[]>(
		demo,
		'GET',
		`/subscriptions?search=${buyer.slug}`
	);
	expect(data).toMatchObject([{ plan: { key: plan.key }, status: 'active', amount: 5_900 }]);
});

test('what costs less waits for the end of the period, and is taken back', async ({ page }) => {
	await enter(page);
	await page.getByRole('link', { name: 'Cambiar plan o usuarios' }).click();
	await page.getByRole('radio', { name: /^Basic/ }).check();
	await page.getByRole('button', { name: 'Ver la factura' }).click();
	await page.waitForURL(/\/change\/[0-9a-f-]{36}$/);
	await expect(page.getByText('Ahora no se cobra nada.')).toBeVisible();
	await page.getByRole('button', { name: 'Confirmar el cambio' }).click();
	await expect(page.getByText('Hasta entonces puede deshacerlo.')).toBeVisible();
	await page.goto('/tenant/portal/billing');
	await expect(page.getByText(/Pasa a Basic el/)).toBeVisible();
	await lookAt(page, 'portal-billing-scheduled');
	await page.getByRole('button', { name: 'Deshacer el cambio' }).click();
	await expect(page.getByText(/Pasa a Basic el/)).toBeHidden();
});

test('the end is typed and confirmed, and taken back', async ({ page, expectConsole }) => {
	expectConsole(/status of 4(00|03|09)/);
	await enter(page);
	const dialog = page.getByRole('dialog', { name: 'Cancelar la suscripción' });
	// The dialog is the page's scripts', which may still be on their way.
	const open = () =>
		expect(async () => {
			await page.getByRole('button', { name: 'Cancelar suscripción…' }).click();
			await expect(dialog).toBeVisible({ timeout: 1_000 });
		}).toPass({ timeout: 20_000 });
	await open();
	await expectAccessible(page);
	const cancel = dialog.getByRole('button', { name: 'Cancelar suscripción' });
	await expect(cancel).toBeDisabled();
	await dialog.locator('input[name=confirm]').fill(buyer.company);
	await cancel.click();
	await confirmWho(page);
	if (!(await page.getByRole('button', { name: 'Reanudar suscripción' }).isVisible())) {
		await page.goto('/tenant/portal/billing');
		await open();
		await dialog.locator('input[name=confirm]').fill(buyer.company);
		await cancel.click();
	}
	const resume = page.getByRole('button', { name: 'Reanudar suscripción' });
	await expect(resume).toBeVisible({ timeout: 15_000 });
	await lookAt(page, 'portal-billing-ending');
	await resume.click();
	await expect(page.getByRole('link', { name: 'Cambiar plan o usuarios' })).toBeVisible();
});

for (const { scripts, card, end } of [
	{ scripts: false, card: '4242 4242 4242 4242', end: '4242' },
	{ scripts: true, card: '5555 5555 5555 4444', end: '4444' }
]) {
	test.describe(scripts ? 'with scripts' : 'without scripts', () => {
		test.use({ javaScriptEnabled: scripts });

		test("the card is changed on Stripe's page", async ({ page }) => {
			await enter(page);
			await page.getByRole('button', { name: 'Cambiar tarjeta' }).click();
			await page.waitForURL(/\/p\/session\//);
			await page.locator('input[name=cardNumber]').fill(card);
			await page.locator('input[name=cardExpiry]').fill('11/35');
			await page.locator('input[name=cardCvc]').fill('321');
			await page.locator('form:has(input[name=cardNumber]) button').click();
			await page.waitForURL(/\/tenant\/portal\/billing\?card/);
			await expect(async () => {
				await page.goto('/tenant/portal/billing');
				await expect(page.getByText(`•••• ${end}`)).toBeVisible({ timeout: 1_000 });
			}).toPass({ timeout: 30_000 });
			await expect(page.getByText(/Vence \d\d\/\d{4}/)).toBeVisible();
		});
	});
}

test('staff see and do the same, and what a move means is said before anything is charged', async ({
	page,
	demo,
	loginAs
}) => {
	await loginAs('staff');
	const { data } = await api<{ id: string }[]>(demo, 'GET', `/subscriptions?search=${buyer.slug}`);
	const { id } = data[0]!;
	await page.goto(`/admin/billing/subscriptions/${id}`);
	await expect(page.getByRole('heading', { level: 1 })).toContainText(buyer.company);
	await expect(page.getByText('Mejora de plan')).toBeVisible();
	await lookAt(page, 'admin-subscription');
	const move = await api(demo, 'POST', `/subscriptions/${id}/upgrade`, {
		...{ plan: 'pro', dry_run: true }
	});
	expect(move).toMatchObject({
		status: 200,
		data: {
			change: { status: 'previewed' },
			moves: [{ from_isolation: 'shared', to_isolation: 'dedicated', begins: 'period_end' }]
		}
	});
	const shown = await api<{ change: { id: string; amount_due: number; status: string } }>(
		demo,
		'POST',
		`/subscriptions/${id}/upgrade`,
		{ plan: plan.key, quantity: 3, dry_run: true }
	);
	expect(shown.data.change).toMatchObject({ status: 'previewed' });
	expect(shown.data.change.amount_due).toBeGreaterThan(0);
	const done = await api(demo, 'POST', `/subscriptions/${id}/upgrade`, {
		change_id: shown.data.change.id
	});
	expect(done).toMatchObject({
		status: 200,
		data: { change: { status: 'applied' }, subscription: { quantity: 3 } }
	});
	await page.goto('/admin/billing/reconciliation');
	await page.getByRole('button', { name: 'Comparar ahora' }).click();
	await expect(page.getByText(/Última comparación/)).toBeVisible({ timeout: 60_000 });
	await lookAt(page, 'admin-reconciliation');
});
