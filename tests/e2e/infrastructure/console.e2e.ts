import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { z } from 'zod';
import { expect, expectAccessible, lookAt, tellOnce, test } from '../fixtures.ts';

tellOnce();

const guests = z.array(
	z.object({ name: z.string(), status: z.string(), template: z.boolean(), description: z.string() })
);

test('staff open a console, type in it, give it another size and close it, and the audit log says so', async ({
	page,
	demo,
	request,
	loginAs
}) => {
	test.setTimeout(120_000);
	const running = async () => {
		const answer = await request.get(`${demo.sandbox}/__sandbox/proxmox/containers`);
		return guests
			.parse(await answer.json())
			.find(({ status, template }) => status === 'running' && !template);
	};
	await expect.poll(running, { timeout: 60_000 }).toBeTruthy();
	const guest = (await running())!;
	const id = / container (\S+)/.exec(guest.description)![1]!;

	await loginAs('staff');
	await page.goto(`/admin/infrastructure/containers/${id}/console`);
	const rows = page.locator('.xterm-rows');
	await expect(rows).toBeVisible();
	await expect(page.getByText('Sin abrir')).toBeVisible();
	await page.getByRole('button', { name: 'Abrir la consola' }).click();
	await expect(page.getByText('Conectada')).toBeVisible();
	await expect(rows).toContainText(`root@${guest.name}:~#`);
	await page.keyboard.type('hostname\n');
	await expect(rows.getByText(guest.name, { exact: true })).toBeVisible();
	await page.keyboard.type('stty size\n');
	const wide = await sizeIn(rows);
	await expectAccessible(page);
	await picture(page, 'desktop');
	await page.setViewportSize({ width: 390, height: 844 });
	await expect(async () => {
		await page.keyboard.type('stty size\n');
		const narrow = await sizeIn(rows);
		expect(narrow.cols).toBeLessThan(wide.cols);
		expect(narrow.cols).toBeGreaterThan(30);
	}).toPass();
	await page.getByRole('button', { name: 'Ctrl + C' }).click();
	await expect(rows).toContainText('^C');
	await expectAccessible(page);
	await picture(page, 'phone');
	await page.setViewportSize({ width: 1440, height: 900 });

	// The keys that leave it lead to the button that closes it.
	await page.keyboard.press('Control+F6');
	await expect(page.getByRole('button', { name: 'Cerrar la consola' })).toBeFocused();
	await page.keyboard.press('Enter');
	await expect(page.getByText('Se cerró desde esta página.')).toBeVisible();
	await expect(page.getByRole('button', { name: 'Abrir otra vez' })).toBeVisible();
	// What lies under the bar at the top is no target for a finger.
	await page.evaluate(() => scrollTo(0, 0));
	await lookAt(page, 'console');

	await page.goto('/admin/logs/audit');
	await expect(page.getByText('Terminó la consola del contenedor').first()).toBeVisible();
	await expect(page.getByText('Abrió una consola del contenedor').first()).toBeVisible();
});

/** The open console in both themes, without loading the page anew, which would end it. */
async function picture(page: Page, width: string): Promise<void> {
	const folder = process.env.E2E_SHOTS;
	for (const theme of ['light', 'dark']) {
		await page.evaluate((name) => (document.documentElement.dataset.theme = name), theme);
		await expectAccessible(page, 'colours');
		await page.evaluate(() => scrollTo(0, 0));
		const path = folder && join(folder, `console-open-${theme}-${width}.png`);
		if (path) await page.screenshot({ path, fullPage: true });
	}
}

/** What the last `stty size` said. */
async function sizeIn(rows: Locator) {
	let size: { rows: number; cols: number } | null = null;
	await expect
		.poll(async () => {
			const text = await rows.innerText();
			const last = [...text.matchAll(/stty size\s+(\d+) (\d+)\s/g)].at(-1);
			size = last ? { rows: Number(last[1]), cols: Number(last[2]) } : null;
			return size;
		})
		.not.toBeNull();
	return size!;
}
