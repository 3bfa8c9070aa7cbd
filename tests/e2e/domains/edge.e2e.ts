import { randomUUID } from 'node:crypto';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff take a machine into use as an edge, are told what is wrong with what they type, and give it up', async ({
	page,
	demo,
	request,
	loginAs,
	expectConsole
}) => {
	test.setTimeout(120_000);
	expectConsole(/status of 4(00|09)/);
	const [node, address] = ['pve3', '203.0.113.61'];
	const name = `edge-${randomUUID().slice(0, 8)}`;
	const installed = await request.post(`${demo.sandbox}/__sandbox/nginx`, {
		data: { node, vmid: null, address }
	});
	// It stays there when this runs again.
	expect([201, 409]).toContain(installed.status());

	await loginAs('staff');
	await page.goto('/admin/domains/edge');
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Nuevo servidor de borde' }).first().click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toBeVisible();
	await expectAccessible(page);
	await dialog.getByLabel('Nombre').fill(name);
	await dialog.getByLabel('Dirección IPv4 pública').fill(`${address}\n300.1.2.3`);
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(dialog.getByText('Elija el nodo en el que está.')).toBeVisible();
	await dialog.getByLabel('Nodo').selectOption({ label: node });
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(dialog.getByText('“300.1.2.3” no es una dirección de este tipo.')).toBeVisible();
	await expect(dialog.getByLabel('Nombre')).toHaveValue(name);
	await dialog.getByLabel('Dirección IPv4 pública').fill(`${address}\n203.0.113.9`);
	await dialog.getByRole('button', { name: 'Guardar' }).click();
	await expect(page.getByText(`${name} está en uso`)).toBeVisible();

	const card = page.locator('section').filter({ has: page.getByRole('heading', { name }) });
	// Written to its nginx, read back, and seen without loading the page again.
	await expect(card.getByText('Al día')).toBeVisible({ timeout: 60_000 });
	await expect(card.getByText('203.0.113.9')).toBeVisible();
	await expect(card.getByText(/^Aplicada/)).toBeVisible();
	await lookAt(page, 'edge');

	await card.getByRole('button', { name: 'Quitar…' }).click();
	await page.getByRole('dialog').locator('input[name=confirm]').fill(name);
	await page.getByRole('dialog').getByRole('button', { name: 'Quitar' }).click();
	await expect(page.getByText(`${name} ya no está en uso.`)).toBeVisible();
	await expect(card).toHaveCount(0);
});
