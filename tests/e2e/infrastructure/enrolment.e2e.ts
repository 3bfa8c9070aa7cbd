import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff enrol a node: fingerprints, review, what is on it, and whose its databases are', async ({
	page,
	demo,
	loginAs,
	request
}) => {
	const email = `cafetal-${Date.now()}@example.com`;
	const made = await request.post(`${demo.app}/api/customers`, {
		headers: { authorization: `Bearer ${demo.api_token}` },
		data: { company_name: 'El Cafetal', full_name: 'Ana Mora', email }
	});
	expect(made.status()).toBe(201);
	const joined = await request.post(`${demo.sandbox}/__sandbox/proxmox/nodes`);
	const { proxmox, ssh } = (await joined.json()) as {
		proxmox: { url: string; token: string; fingerprint: string };
		ssh: { host: string; port: number; host_key: string };
	};
	await loginAs('staff');
	await page.goto('/admin/infrastructure/nodes/new');
	await page.getByLabel('Dirección de la API').fill('https://127.0.0.1:9');
	await page.locator('input[name=api_token]').fill(proxmox.token);
	await page.getByLabel('Puerto', { exact: true }).fill(String(ssh.port));
	await page.getByRole('button', { name: 'Conectar' }).click();
	await expect(page.getByText('No hay quien responda en esa dirección.')).toBeVisible();
	await lookAt(page, 'enrol-access');
	await page.reload();
	await page.getByLabel('Dirección de la API').fill(proxmox.url);
	await page.locator('input[name=api_token]').fill(proxmox.token);
	await page.getByLabel('Puerto', { exact: true }).fill(String(ssh.port));
	await page.getByRole('button', { name: 'Conectar' }).click();

	await expect(page.getByText(proxmox.fingerprint)).toBeVisible();
	await expect(page.getByText(ssh.host_key)).toBeVisible();
	await lookAt(page, 'enrol-fingerprints');
	const confirm = page.getByRole('button', { name: 'Confirmar y revisar el nodo' });
	await confirm.click();
	await expect(page.getByText('Compare las dos huellas y marque la casilla.')).toBeVisible();
	await page.getByLabel('Comparé las dos huellas y coinciden').check();
	await confirm.click();

	await expect(page.getByRole('heading', { level: 2, name: 'pve4' })).toBeVisible();
	await expect(page.getByText('Funciona', { exact: true }).first()).toBeVisible();
	await expect(page.getByText('Tiene todos los que hacen falta')).toBeVisible();
	await expect(page.getByRole('heading', { name: 'Entra al clúster jeturing' })).toBeVisible();
	await lookAt(page, 'enrol-findings');
	await page.getByLabel('Qué hacer con odoo-cafetal').selectOption('Adoptar: Odoo');
	await page.getByLabel('Qué hacer con correo').selectOption('Ignorar: no es nuestro');
	// No other story's instance goes there.
	await page.getByLabel('Contenedores como máximo').fill('1');
	await page.getByRole('button', { name: 'Dar de alta', exact: true }).click();

	await expect(page.getByText('pve4 está dado de alta en jeturing')).toBeVisible();
	const databases = page.getByRole('link', { name: 'Ver sus 2 bases de datos' });
	await expect(databases).toBeVisible();
	await lookAt(page, 'enrol-done');
	await databases.click();
	await page.getByRole('button', { name: 'Enlazar cafetal', exact: true }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Correo del cliente').fill('nadie@example.com');
	await dialog.locator('select').selectOption({ index: 1 });
	await dialog.getByRole('button', { name: 'Enlazar', exact: true }).click();
	await expect(dialog.getByText('No hay un cliente con ese correo.')).toBeVisible();
	await lookAt(page, 'enrol-link');
	await page.getByRole('button', { name: 'Enlazar cafetal', exact: true }).click();
	await dialog.getByLabel('Correo del cliente').fill(email);
	await dialog.locator('select').selectOption({ index: 1 });
	await dialog.getByRole('button', { name: 'Enlazar', exact: true }).click();
	await expect(page.getByRole('link', { name: 'cafetal', exact: true })).toBeVisible();
	await expect(page.getByText('El Cafetal').first()).toBeVisible();
	await lookAt(page, 'enrol-linked');
	await page.goto('/admin/infrastructure');
	await expect(page.getByRole('article', { name: 'pve4' })).toBeVisible();
});
