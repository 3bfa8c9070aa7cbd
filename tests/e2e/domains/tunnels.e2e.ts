import { z } from 'zod';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

const rule = z.looseObject({ hostname: z.string().optional(), service: z.string() });
const account = z.object({
	tunnels: z.array(
		z.object({
			id: z.string(),
			name: z.string(),
			config: z.looseObject({ ingress: z.array(rule) }).nullable()
		})
	)
});

test('staff see each tunnel with its connectors, what goes through it, and what happened to it', async ({
	page,
	loginAs
}) => {
	test.setTimeout(180_000);
	await loginAs('staff');
	await page.goto('/admin/tunnels');
	await expect(page.getByRole('heading', { level: 1, name: 'Túneles' })).toBeVisible();
	const row = page.getByRole('row').filter({ hasText: 'tcs-sajet-tunnel' });
	await expect(row).toContainText('sajet.us');
	await lookAt(page, 'tunnels');

	await page.getByRole('link', { name: 'tcs-sajet-tunnel' }).first().click();
	await expect(page.getByRole('heading', { level: 1, name: 'tcs-sajet-tunnel' })).toBeVisible();
	// Cloudflare is asked every minute; nobody says what was not seen.
	await expect(page.getByText('2026.10.1')).toBeVisible({ timeout: 90_000 });
	await lookAt(page, 'tunnel');

	await page.getByRole('link', { name: /^Hosts \d+$/ }).click();
	await expect(page.getByRole('row').filter({ hasText: 'erp.sajet.us' })).toContainText(
		'Host fijo'
	);
	await page.getByRole('searchbox').fill('ejemplo');
	await page.keyboard.press('Enter');
	// Domains that other stories give the same instance stand beside it.
	await expect(page.getByRole('row', { name: /^ejemplo\.sajet\.us/ })).toContainText('Instancia');
	await expect(page.getByRole('row', { name: /^erp\.sajet\.us/ })).toHaveCount(0);
	await lookAt(page, 'tunnel-hosts');
});

test('a rule of somebody else is noticed within the minute, kept, and told', async ({
	page,
	loginAs,
	demo,
	request
}) => {
	test.setTimeout(180_000);
	const control = `${demo.sandbox}/__sandbox/cloudflare`;
	const { tunnels } = account.parse(await (await request.get(control)).json());
	const tunnel = tunnels.find(({ name }) => name === 'tcs-sajet-tunnel')!;
	const hostname = `grafana.sajet.us`;
	const ingress = [
		{ hostname, service: 'http://10.9.9.9:3000' },
		...(tunnel.config?.ingress ?? [{ service: 'http_status:404' }])
	];
	const written = await request.post(`${control}/tunnels/${tunnel.id}/ingress`, {
		data: { ingress }
	});
	expect(written.ok()).toBe(true);

	await loginAs('staff');
	await page.goto('/admin/tunnels');
	await page.getByRole('link', { name: 'tcs-sajet-tunnel' }).first().click();
	await page.getByRole('link', { name: 'Registro de cambios' }).click();
	const adopted = page
		.getByRole('row')
		.filter({ hasText: 'Reglas ajenas adoptadas' })
		.filter({ hasText: hostname });
	await expect(adopted).toHaveCount(1, { timeout: 90_000 });
	await adopted.locator('summary').click();
	await expect(adopted.getByText(hostname)).toBeVisible();
	await lookAt(page, 'tunnel-changes');
});

test('a tunnel is made, its token shown once with the command, and deleted while nothing goes through it', async ({
	page,
	loginAs
}) => {
	test.setTimeout(120_000);
	const name = `e2e-${Date.now()}`;
	await loginAs('staff');
	await page.goto('/admin/tunnels/new');
	await lookAt(page, 'tunnel-new');
	await page.getByLabel('Nombre', { exact: true }).fill('tcs-sajet-tunnel');
	await page.getByRole('button', { name: 'Crear túnel' }).click();
	await expect(page.getByText('Cloudflare ya tiene un túnel con este nombre')).toBeVisible();
	await page.getByLabel('Nombre', { exact: true }).fill(name);
	await page.getByRole('button', { name: 'Crear túnel' }).click();

	await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
	await page.getByRole('button', { name: 'Ver el token' }).click();
	await expect(page.getByText(/cloudflared service install \w+/)).toBeVisible();
	await page.getByRole('button', { name: 'Ya lo copié' }).click();
	await expect(page.getByText(/cloudflared service install/)).toHaveCount(0);
	await expect(page.getByRole('button', { name: 'Ver el token otra vez' })).toBeVisible();

	await page.getByRole('button', { name: 'Eliminar túnel' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=confirm]').fill(name);
	await dialog.getByRole('button', { name: 'Eliminar túnel' }).click();
	await expect(page.getByText('Este túnel fue eliminado')).toBeVisible();
});
