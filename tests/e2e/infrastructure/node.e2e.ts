import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff look at a node, take it out of service, change its limits, and put it back', async ({
	page,
	loginAs
}) => {
	await loginAs('staff');
	await page.goto('/admin/infrastructure');
	await page.getByRole('link', { name: 'pve3', exact: true }).first().click();
	await expect(page.getByRole('heading', { level: 1, name: 'pve3' })).toBeVisible();
	await page.getByRole('button', { name: 'Revisar ahora' }).click();
	const health = page.getByRole('region', { name: 'Salud' });
	await expect(health.locator('[data-state=ok]')).toHaveCount(7, { timeout: 30_000 });
	await expect(page.getByRole('meter', { name: 'ceph' })).toBeVisible();
	const ready = page.getByRole('region', { name: 'Contenedores preparados' });
	await ready.getByLabel('Reserva de Pro').fill('1');
	await ready.getByRole('listitem').filter({ hasText: 'Pro' }).getByRole('button').click();
	await expect(ready.getByText('1 de 1 listos')).toBeVisible({ timeout: 30_000 });
	await lookAt(page, 'node-state');

	await page.goto('/admin/provision');
	await expect(ready.getByText('1 de 1 listos')).toBeVisible();
	await lookAt(page, 'provision-ready');
	await ready.getByRole('button', { name: 'Liberar reserva…' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Liberar reserva' }).click();
	await expect(page.getByText('La reserva de Pro se está liberando.')).toBeVisible();
	await expect(ready).toHaveCount(0, { timeout: 30_000 });
	await page.goBack();

	await page.getByRole('button', { name: 'Poner en mantenimiento…' }).click();
	const asked = page.getByRole('dialog');
	await asked.getByRole('button', { name: 'Poner en mantenimiento' }).click();
	await expect(asked.getByLabel('Motivo')).toHaveAttribute('aria-invalid', 'true');
	await asked.getByLabel('Motivo').fill('Cambio de memoria');
	await asked.getByRole('button', { name: 'Poner en mantenimiento' }).click();
	await expect(page.getByRole('status').getByText('Cambio de memoria')).toBeVisible();
	await lookAt(page, 'node-maintenance');

	await page.getByRole('link', { name: 'Acceso y límites' }).click();
	const most = page.getByLabel('Máximo de contenedores');
	await most.fill('-1');
	await page.getByRole('button', { name: 'Guardar cambios' }).click();
	await expect(most).toHaveAttribute('aria-invalid', 'true');
	await most.fill('60');
	await page.getByRole('button', { name: 'Guardar cambios' }).click();
	await expect(page.getByText('Guardado.')).toBeVisible();
	await page.reload();
	await expect(most).toHaveValue('60');
	await lookAt(page, 'node-access');

	await page.getByRole('button', { name: 'Terminar mantenimiento' }).click();
	await expect(page.getByText('pve3 vuelve a recibir instancias.')).toBeVisible();
	await page.getByRole('link', { name: 'Actividad' }).click();
	await expect(page.getByText('Terminó el mantenimiento de un nodo')).toBeVisible();
	await expect(page.getByText('Editó un nodo')).toBeVisible();
	await page.getByRole('link', { name: 'Uso', exact: true }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'pve3' })).toBeVisible();
});
