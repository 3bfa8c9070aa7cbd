import { randomUUID } from 'node:crypto';
import type { DemoFile } from '../../../src/cli/demo-data.ts';
import { expect, expectAccessible, tellOnce, test, useTheme } from '../fixtures.ts';

tellOnce();

/** What somebody does at Cloudflare, past us. */
async function atCloudflare(demo: DemoFile, path: string, body: object): Promise<void> {
	const { url, token } = demo.vendors.cloudflare;
	const answer = await fetch(`${url}${path}`, {
		method: 'POST',
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
		body: JSON.stringify(body)
	});
	if (!answer.ok) throw new Error(await answer.text());
}

test('staff add a base domain whose zone is active, see how it is prepared, and give it up', async ({
	page,
	demo,
	loginAs,
	expectConsole
}, info) => {
	// Refusals of forms.
	expectConsole(/status of 4(00|09)/);
	const name = `base-${info.project.name}.example`;
	await loginAs('staff');
	await page.goto('/admin/domains/base');
	await expect(page.getByRole('heading', { level: 1, name: 'Dominios' })).toBeVisible();
	const card = (domain: string) =>
		page.locator('section').filter({ has: page.getByRole('heading', { name: domain }) });
	// What Cloudflare says comes after the page.
	await expect(card('sajet.us').getByText('En nuestra cuenta, active')).toBeVisible();
	await expect(
		card('sajet.us').getByText('Nuestro token puede editar sus registros')
	).toBeVisible();
	await card('sajet.us')
		.getByRole('button', { name: /Reintentar|Mirar ahora/ })
		.click();
	await expect(card('sajet.us').getByText('Listo')).toBeVisible({ timeout: 30_000 });
	await expect(card('sajet.us').getByText('Origen de reserva: active')).toBeVisible();
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page, 'colours');

	await page.getByRole('button', { name: 'Añadir dominio base' }).first().click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=name]').fill(name);
	await dialog.locator('input[name=target]').fill(`clientes.${name}`);
	await dialog.locator('select[name=tunnel]').selectOption({ index: 1 });
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(dialog.locator('input[name=name]')).toHaveAttribute('aria-invalid', 'true');
	await expect(dialog.getByText('no está en nuestra cuenta de Cloudflare')).toBeVisible();
	await expect(dialog.locator('input[name=target]')).toHaveValue(`clientes.${name}`);
	await expectAccessible(page);

	await fetch(`${demo.sandbox}/__sandbox/cloudflare/zones`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ name, status: 'active' })
	});
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(dialog).toBeHidden();
	await expect(card(name).getByText('Listo')).toBeVisible({ timeout: 30_000 });
	await expect(card('sajet.us').getByText('Es el predeterminado')).toBeVisible();

	await card(name).getByRole('button', { name: 'Eliminar' }).click();
	await page.getByRole('dialog').locator('input[name=confirm]').fill(name);
	await expectAccessible(page);
	await page.getByRole('dialog').getByRole('button', { name: 'Eliminar' }).click();
	await expect(card(name)).toBeHidden();
});

test('staff find an orphan in a zone and delete it, and nobody can choose a foreign record', async ({
	page,
	demo,
	loginAs
}, info) => {
	const zone = demo.vendors.cloudflare.zone_id;
	const orphan = `huerfano-${info.project.name}.sajet.us`;
	const foreign = `ajeno-${info.project.name}.sajet.us`;
	const record = { type: 'A', content: '192.0.2.7', ttl: 1 };
	const comment = `erpcore tenant ${randomUUID()}`;
	await atCloudflare(demo, `/zones/${zone}/dns_records`, { ...record, name: orphan, comment });
	await atCloudflare(demo, `/zones/${zone}/dns_records`, { ...record, name: foreign });
	await loginAs('staff');
	await page.goto(`/admin/domains/records?q=${info.project.name}`);
	await page.getByRole('button', { name: 'Mirar ahora' }).click();
	const row = (name: string) => page.getByRole('row').filter({ hasText: name });
	await expect(row(orphan).getByText('Huérfano', { exact: true })).toBeVisible({ timeout: 30_000 });
	await expect(row(foreign).getByText('Ajeno', { exact: true })).toBeVisible();
	await expect(row(foreign).getByRole('checkbox')).toHaveCount(0);
	await expectAccessible(page);
	await useTheme(page, 'light');
	await expectAccessible(page, 'colours');

	await row(orphan).getByRole('checkbox').check();
	await page.getByRole('button', { name: 'Poner en orden los elegidos (1)' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByText('Los registros ajenos nunca se tocan.')).toBeVisible();
	await dialog.locator('input[name=confirm]').fill('1');
	await dialog.getByRole('button', { name: 'Poner en orden' }).click();
	await expect(row(orphan)).toBeHidden({ timeout: 30_000 });
	await expect(row(foreign)).toBeVisible();
	await page.getByRole('link', { name: 'Operaciones' }).click();
	await expect(row(orphan).getByText('Hecho')).toBeVisible({ timeout: 30_000 });
	await expectAccessible(page);
});

test('staff lead another host through a tunnel; the control plane’s own stays', async ({
	page,
	loginAs,
	expectConsole
}, info) => {
	expectConsole(/status of 4(00|09)/);
	const host = `estado-${info.project.name}.sajet.us`;
	await loginAs('staff');
	await page.goto('/admin/domains/base');
	const tunnel = await page.locator('a[href^="/admin/tunnels/"]').first().getAttribute('href');
	await page.goto(`${tunnel}/hosts`);
	const row = (name: string) => page.getByRole('row').filter({ hasText: name });
	await expect(
		row('erp.sajet.us').getByText('Es el único que lleva a esta plataforma.')
	).toBeVisible();
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Añadir host' }).first().click();
	const dialog = page.getByRole('dialog');
	await dialog.locator('input[name=hostname]').fill('ejemplo.sajet.us');
	await dialog.locator('input[name=service]').fill('http://127.0.0.1:9');
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	// It is an instance's.
	await expect(dialog.locator('input[name=hostname]')).toHaveAttribute('aria-invalid', 'true');
	await expectAccessible(page);
	await dialog.locator('input[name=hostname]').fill(host);
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(row(host)).toBeVisible();
	await row(host).getByRole('button', { name: 'Quitar' }).click();
	await page.getByRole('dialog').locator('input[name=confirm]').fill(host);
	await page.getByRole('dialog').getByRole('button', { name: 'Quitar' }).click();
	await expect(row(host)).toBeHidden();
});
