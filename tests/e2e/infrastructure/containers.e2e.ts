import { setUpPro, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff restart a container, take a snapshot of it and go back to it', async ({
	page,
	loginAs
}) => {
	test.setTimeout(240_000);
	const buyer = somebody('pieza');
	await loginAs('staff');
	await setUpPro(page, buyer);

	await page.goto(`/admin/infrastructure?tab=containers&q=${buyer.slug}`);
	const table = page.getByRole('table', { name: 'Contenedores' });
	const row = table.getByRole('row').filter({ hasText: buyer.slug });
	await expect(row).toContainText('En marcha');
	await lookAt(page, 'containers');

	// From the list, beside its row.
	await row.getByRole('button', { name: /^Acciones de / }).click();
	await page.getByRole('menuitem', { name: 'Reiniciar…' }).click();
	const restart = page.getByRole('dialog');
	await expect(restart.getByText(`Fuera de línea mientras reinicia: ${buyer.slug}.`)).toBeVisible();
	await restart.locator('input[name=timeout_seconds]').fill('2');
	await restart.getByRole('button', { name: 'Reiniciar' }).click();
	await expect(restart.locator('[aria-invalid=true]')).toHaveCount(1);
	await expectAccessible(page);
	await restart.locator('input[name=timeout_seconds]').fill('30');
	await restart.getByRole('button', { name: 'Reiniciar' }).click();
	await expect(restart).toBeHidden();

	await row.getByRole('link').first().click();
	await expect(page).toHaveURL(/\/containers\/[0-9a-f-]{36}$/);
	const last = page.getByRole('region', { name: /Última acción|En curso/ });
	await expect(last).toContainText('Hecho', { timeout: 30_000 });
	await expect(last).toContainText('Reiniciar');

	const snapshots = page.getByRole('region', { name: 'Instantáneas' });
	await expect(snapshots.getByText('Todavía no tiene instantáneas.')).toBeVisible();
	await snapshots.locator('input[name=name]').fill('1 mala');
	await snapshots.locator('input[name=description]').fill('Antes de actualizar');
	await snapshots.getByRole('button', { name: 'Tomar instantánea' }).click();
	await expect(snapshots.getByText(/^Empiece con una letra/)).toBeVisible();
	await expect(snapshots.locator('input[name=description]')).toHaveValue('Antes de actualizar');
	await snapshots.locator('input[name=name]').fill('antes-de-actualizar');
	await snapshots.getByRole('button', { name: 'Tomar instantánea' }).click();
	await expect(snapshots.getByRole('listitem')).toContainText('antes-de-actualizar', {
		timeout: 30_000
	});
	await expect(last).toContainText('Hecho');
	await lookAt(page, 'container');

	await snapshots.getByRole('button', { name: 'Volver a ella' }).click();
	// Whoever has just logged in is not asked who they are again.
	const back = page.getByRole('dialog', { name: /antes-de-actualizar/ });
	await expect(back).toContainText('Se pierde todo lo que se escribió desde');
	const confirm = back.getByRole('button', { name: 'Volver a ella' });
	await expect(confirm).toBeDisabled();
	await expectAccessible(page);
	const host = await page.getByRole('heading', { level: 1 }).textContent();
	await back.locator('input[name=confirm]').fill(host!.trim());
	await confirm.click();
	await expect(last).toContainText('Volver a la instantánea', { timeout: 30_000 });
	await expect(last).toContainText('Hecho', { timeout: 30_000 });
	await expect(page.locator('header:has(h1)').getByText('En marcha')).toBeVisible();

	await page.getByRole('link', { name: 'Acciones', exact: true }).click();
	const acts = page.getByRole('table', { name: 'Acciones' }).getByRole('row');
	await expect(acts).toHaveCount(4);
	await expectAccessible(page);
	await page.getByRole('link', { name: 'Actividad', exact: true }).click();
	await expect(page.getByText('Pidió volver a una instantánea')).toBeVisible();
	await expectAccessible(page);
});
