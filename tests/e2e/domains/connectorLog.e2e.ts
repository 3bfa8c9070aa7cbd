import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

const account = z.object({ tunnels: z.array(z.object({ id: z.string(), name: z.string() })) });

test('staff say where cloudflared runs, follow its own log live, and are told when it cannot be reached', async ({
	page,
	demo,
	request,
	loginAs,
	expectConsole
}) => {
	test.setTimeout(180_000);
	expectConsole(/status of 4(00|09)/);
	const control = `${demo.sandbox}/__sandbox`;
	const node = 'pve1';
	const { tunnels } = account.parse(await (await request.get(`${control}/cloudflare`)).json());
	const tunnel = tunnels.find(({ name }) => name === 'tcs-sajet-tunnel')!;
	const installed = await request.post(`${control}/cloudflared`, {
		data: { node, tunnel_id: tunnel.id, source: 'cloudflare' }
	});
	expect(installed.ok()).toBe(true);

	await loginAs('staff');
	await page.goto('/admin/tunnels');
	await page.getByRole('link', { name: 'tcs-sajet-tunnel' }).first().click();
	await page.locator('select[name=host_node_id]').selectOption({ label: node });
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('Guardado')).toBeVisible();

	await page.getByRole('link', { name: 'Registro de cloudflared' }).click();
	await expect(page.getByText('Se sigue en vivo')).toBeVisible({ timeout: 60_000 });
	await expect(page.getByText('En marcha')).toBeVisible({ timeout: 60_000 });
	const log = page.getByRole('log');
	const said = `Connection to the edge was lost ${randomUUID().slice(0, 8)}`;
	await request.post(`${control}/cloudflared/log`, { data: { node, level: 'ERR', text: said } });
	await expect(log.getByText(said)).toBeVisible({ timeout: 30_000 });
	await lookAt(page, 'tunnel-log');

	await page.getByLabel('Nivel').selectOption({ label: 'Errores' });
	await expect(page).toHaveURL(/level=error/);
	await expect(log.getByText(said)).toBeVisible();

	// A container that is not there: nobody can be asked, and the page says so.
	await page.goto(page.url().replace(/\/log.*$/, ''));
	await page.locator('input[name=host_vmid]').fill('99999');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('Guardado')).toBeVisible();
	await page.getByRole('link', { name: 'Registro de cloudflared' }).click();
	await expect(page.getByText('Lo que se ve es lo último que se leyó.')).toBeVisible({
		timeout: 60_000
	});
	await expect(page.getByText('En marcha')).toHaveCount(0);
	await lookAt(page, 'tunnel-log-away');
	await page.goto(page.url().replace(/\/log.*$/, ''));
	await page
		.locator('select[name=host_node_id]')
		.selectOption({ label: 'Ninguno de los nuestros' });
	await page.locator('input[name=host_vmid]').fill('');
	await page.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText('Guardado')).toBeVisible();
});
