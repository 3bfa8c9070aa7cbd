import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

test('staff change a rule until it speaks, take its alert on, silence it, and another system is told', async ({
	page,
	loginAs,
	expectConsole
}) => {
	test.setTimeout(420_000);
	expectConsole(/status of 400/);
	const heard: { event: string; body: string; signature: string }[] = [];
	const receiver = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const body = Buffer.concat(chunks).toString('utf8');
			const signature = String(request.headers['x-erp-signature']);
			heard.push({ event: JSON.parse(body).event, body, signature });
			response.writeHead(204).end();
		});
	});
	await new Promise<void>((ready) => receiver.listen(0, '127.0.0.1', ready));
	const { port } = receiver.address() as AddressInfo;
	const events = () => heard.map(({ event }) => event);
	try {
		await loginAs('staff');
		await page.goto('/admin/settings/webhooks');
		await page.getByRole('button', { name: 'Nuevo webhook' }).click();
		const dialog = page.getByRole('dialog');
		await dialog.getByLabel('Nombre').fill('Guardia');
		await dialog.getByLabel('Dirección').fill('http://10.0.0.8/alertas');
		await dialog.getByRole('button', { name: 'Crear' }).click();
		await expect(dialog.getByText('La dirección debe empezar por https://.')).toBeVisible();
		await dialog.getByLabel('Dirección').fill(`http://127.0.0.1:${port}/alertas`);
		await dialog.getByRole('button', { name: 'Crear' }).click();
		const secret = (await page.getByText(/^whsec_/).textContent())!;
		await lookAt(page, 'webhooks');
		await page.getByRole('link', { name: /Guardia/ }).click();
		await page.getByRole('button', { name: 'Enviar una prueba' }).click();
		await expect(page.getByRole('cell', { name: /Entregado/ })).toBeVisible({ timeout: 60_000 });
		expect(events()).toEqual(['webhook.test']);
		const [, t, v1] = /^t=(\d+),v1=(\w+)$/.exec(heard[0]!.signature)!;
		expect(createHmac('sha256', secret).update(`${t}.${heard[0]!.body}`).digest('hex')).toBe(v1);
		await lookAt(page, 'webhook');

		// Every disk of the sandbox is used by more than a thousandth.
		await page.goto('/admin/alerts/rules');
		await lookAt(page, 'alert-rules');
		await page.getByRole('link', { name: 'Nueva regla' }).click();
		await page.getByLabel('Qué se mide').selectOption('node.ram');
		const threshold = page.getByLabel('Umbral');
		await threshold.fill('99,9');
		await expect(page.getByText('Ahora no abriría ninguna alerta.')).toBeVisible();
		await page.getByLabel('Muestras seguidas').fill('1');
		await page.getByLabel('Margen').fill('0');
		await page.getByRole('button', { name: 'Crear la regla' }).click();
		await expect(page).toHaveURL(/\/admin\/alerts\/rules\/[0-9a-f-]{36}$/);
		const preview = page.getByRole('region', { name: 'Qué diría ahora' });
		// The first values of a node are there a minute after the product has started.
		await expect(async () => {
			await page.reload();
			await page.getByLabel('Umbral').fill('0,001');
			await expect(preview.getByText('pve1')).toBeVisible({ timeout: 5_000 });
		}).toPass({ timeout: 120_000 });
		await lookAt(page, 'alert-rule');
		await page.getByLabel('Umbral').fill('0,001');
		await page.getByRole('button', { name: 'Guardar la regla' }).click();
		await expect(page.getByText('Regla guardada')).toBeVisible();

		await page.goto('/admin/alerts?rule=own.node-ram-1');
		// By itself: nobody loads the page again.
		await expect(page.getByText(/pve1\. RAM del nodo/)).toBeVisible({ timeout: 120_000 });
		await expect.poll(events, { timeout: 60_000 }).toContain('alert.opened');
		await lookAt(page, 'alerts');
		await page.getByRole('button', { name: /^Atender: pve1/ }).click();
		await page.getByRole('dialog').getByLabel('Nota').fill('Es una prueba');
		await page.getByRole('dialog').getByRole('button', { name: 'Atender' }).click();
		await expect(page.getByText('La alerta queda a su cargo.')).toBeVisible();
		await expect.poll(events, { timeout: 60_000 }).toContain('alert.acknowledged');

		await page.getByRole('link', { name: /^Silenciar: pve2/ }).click();
		const silence = page.getByRole('dialog');
		await silence.getByLabel('Motivo').fill('Cambio de memoria');
		await silence.getByRole('button', { name: 'Silenciar' }).click();
		await expect(page.getByText('Silencio guardado.')).toBeVisible();
		await lookAt(page, 'alert-silences');
		await page.goto('/admin/alerts?state=silenced');
		await expect(page.getByText(/Cambio de memoria/)).toBeVisible();

		// What opened closes with its rule, and who listens hears of it.
		await page.goto('/admin/alerts/rules?state=own');
		await page.getByRole('link', { name: /own\.node-ram-1/ }).click();
		await page.getByRole('button', { name: 'Eliminar la regla' }).click();
		await page.getByRole('dialog').getByRole('textbox').fill('own.node-ram-1');
		await page.getByRole('dialog').getByRole('button', { name: 'Eliminar la regla' }).click();
		await expect(page).toHaveURL(/\/admin\/alerts\/rules$/);
		await expect.poll(events, { timeout: 60_000 }).toContain('alert.closed');
	} finally {
		receiver.close();
	}
});
