import { setUpPro, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff move a container to another node, and plan to empty that one', async ({
	page,
	loginAs
}) => {
	test.setTimeout(240_000);
	const buyer = somebody('muda');
	await loginAs('staff');
	const tenant = await setUpPro(page, buyer);
	const header = page.locator('header:has(h1)');

	await page.goto(`/admin/infrastructure?tab=containers&q=${buyer.slug}`);
	const containers = page.getByRole('table', { name: 'Contenedores' });
	await containers
		.getByRole('row')
		.filter({ hasText: buyer.slug })
		.getByRole('link')
		.first()
		.click();
	await page.getByRole('link', { name: 'Mover', exact: true }).click();
	await expect(page.getByText(`Fuera de línea mientras se muda: ${buyer.slug}.`)).toBeVisible();
	await lookAt(page, 'container-move');
	const target = page.getByRole('radio', { disabled: false }).last();
	// A choice that is made while the page wakes up may be lost.
	await expect(async () => target.check({ timeout: 2_000 })).toPass({ timeout: 30_000 });
	await page.getByRole('button', { name: 'Mover ahora' }).click();
	await page.waitForURL(/\/moves\/[0-9a-f-]{36}$/);
	const steps = page.getByRole('region', { name: 'Pasos' });
	await expect(steps.locator('[data-state=done]').first()).toBeVisible({ timeout: 30_000 });
	await expect(header.getByText('Hecha, por confirmar')).toBeVisible({ timeout: 90_000 });
	await expect(page.getByRole('region', { name: 'Instancias' })).toContainText(buyer.slug);
	await lookAt(page, 'move');
	await page.getByRole('button', { name: 'Confirmar…' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Confirmar' }).click();
	await expect(page.getByText('Mudanza confirmada.')).toBeVisible();

	await page.goto(`${tenant}#moves`);
	await expect(page.locator('#moves')).toContainText('A otro servidor del mismo tipo');
	await page.goto(`/admin/infrastructure/moves?q=${buyer.slug}`);
	const moves = page.getByRole('table', { name: 'Mudanzas' });
	await expect(moves.getByRole('row')).toHaveCount(2);
	const node = /→\D*?(pve\d+)/.exec((await moves.getByRole('row').last().textContent()) ?? '')![1]!;
	await lookAt(page, 'moves');

	await page.goto('/admin/infrastructure');
	await page.getByRole('link', { name: node, exact: true }).first().click();
	await page.getByRole('link', { name: 'Vaciar…' }).click();
	await expect(page.getByRole('region', { name: /^Se mudan/ })).toContainText(buyer.slug);
	await lookAt(page, 'drain-plan');
	const begin = page.getByRole('button', { name: 'Vaciar el nodo' });
	await expect(begin).toBeDisabled();
	await page.locator('input[name=confirm]').fill(node);
	await begin.click();
	await expect(page.getByLabel('Motivo')).toHaveAttribute('aria-invalid', 'true');
	await page.getByLabel('Motivo').fill('Cambio de discos');
	await begin.click();

	// Customers are told a day before: until then nothing begins.
	await page.waitForURL(/\/drains\/[0-9a-f-]{36}$/);
	await expect(header.getByText('Programado')).toBeVisible();
	const list = page.getByRole('table', { name: 'Contenedores' });
	const row = list.getByRole('row').filter({ hasText: buyer.slug });
	await expect(row).toContainText('Programada');
	await lookAt(page, 'drain');
	// Left where it is, and wanted after all: then it waits for its turn again.
	await row.getByRole('button', { name: 'Dejar aquí' }).click();
	await expect(row).toContainText('Cancelada');
	await row.getByRole('button', { name: 'Reintentar' }).click();
	await expect(row).toContainText('Programada');
	const dialog = page.getByRole('dialog');
	await page.getByRole('button', { name: 'Empezar ahora…' }).click();
	await expect(dialog).toContainText('A los clientes se les dijo por correo que empieza el');
	await expectAccessible(page);
	await dialog.getByRole('button', { name: 'Cancelar', exact: true }).click();
	await page.getByRole('button', { name: 'Cancelar el vaciado…' }).click();
	const cancel = page.getByRole('dialog');
	await expect(cancel).toContainText('El nodo sigue en mantenimiento');
	await expect(cancel).toContainText('lo anunciado no se hace');
	await cancel.getByRole('button', { name: 'Cancelar el vaciado' }).click();
	await expect(header.getByText('Cancelado')).toBeVisible();
	await page.goto('/admin/infrastructure/drains');
	await expect(page.getByRole('table', { name: 'Vaciados' })).toContainText('Cancelado');
	await page.goto('/admin/infrastructure');
	await page.getByRole('link', { name: node, exact: true }).first().click();
	await page.getByRole('button', { name: 'Terminar mantenimiento' }).click();
	await expect(page.getByText(`${node} vuelve a recibir instancias.`)).toBeVisible();
});
