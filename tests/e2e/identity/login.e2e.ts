import { decodeBase32IgnorePadding } from '@oslojs/encoding';
import { generateTOTP } from '@oslojs/otp';
import type { Browser, Page } from '@playwright/test';
import type { DemoFile } from '../../../src/cli/demo-data.ts';
import { mailedLink, somebody } from '../buying.ts';
import { expect, expectAccessible, lookAt, test } from '../fixtures.ts';

const FIRST = 'perro azul come 17 tejas';
const SECOND = 'gato verde salta 23 muros';

/** Submits the form that holds this field. */
const submit = (page: Page, field: string) =>
	page.locator(`form:has(input[name=${field}]) button[type=submit]`).click();

async function expectReadable(page: Page): Promise<void> {
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	await lookAt(page);
}

async function logIn(page: Page, path: string, email: string, password: string): Promise<void> {
	await page.goto(path);
	await page.locator('input[name=email]').fill(email);
	await page.locator('input[name=password]').fill(password);
	await submit(page, 'password');
}

/** @throws when no such mail came within ten seconds */
async function expectMail(demo: DemoFile, to: string, subject: string): Promise<void> {
	await expect(async () => {
		const answer = await fetch(`${demo.sandbox}/__sandbox/mail?to=${encodeURIComponent(to)}`);
		const { mails } = (await answer.json()) as { mails: { subject: string }[] };
		expect(mails.map((mail) => mail.subject)).toContain(subject);
	}).toPass({ timeout: 10_000 });
}

/** Somebody's second device. */
async function anotherBrowser(browser: Browser, baseURL: string | undefined): Promise<Page> {
	const context = await browser.newContext({
		...{ ...(baseURL && { baseURL }), locale: 'es-DO' },
		userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
	});
	return context.newPage();
}

for (const side of ['admin', 'tenant'] as const) {
	test(`the login of ${side} reads well, and says one sentence whatever is wrong`, async ({
		page,
		demo
	}) => {
		await page.goto(`/login/${side}`);
		await expectReadable(page);
		const other = side === 'admin' ? demo.customer : demo.staff;
		for (const [email, password] of [
			['nadie@ejemplo.com', 'una clave que no es'],
			// Right, but of the other side.
			[other.email, other.password]
		] as const) {
			await logIn(page, `/login/${side}`, email, password);
			await expect(page.getByText('El correo o la contraseña no coinciden.')).toBeVisible();
			await expect(page.locator('input[name=email]')).toHaveValue(email);
			await expect(page).toHaveURL(new RegExp(`/login/${side}$`));
		}
		await expectAccessible(page);
		const own = side === 'admin' ? demo.staff : demo.customer;
		await logIn(page, `/login/${side}`, own.email, own.password);
		await expect(page).toHaveURL(side === 'admin' ? /\/admin$/ : /\/tenant\/portal$/);
	});
}

test('a person sets a first password, adds a second factor, ends a session, and resets the password', async ({
	page,
	browser,
	baseURL,
	demo,
	expectConsole
}, info) => {
	test.setTimeout(120_000);
	// The tab whose session another one has ended may ask for its notices once more.
	expectConsole(/401 \(Unauthorized\).*\/api\/notifications/);
	const { slug, email, company } = somebody(`clave-${info.project.name}`);
	const made = await fetch(`${demo.app}/api/tenants`, {
		method: 'POST',
		headers: { authorization: `Bearer ${demo.api_token}`, 'content-type': 'application/json' },
		body: JSON.stringify({
			...{ company_name: company, full_name: 'Ana Vera', email, subdomain: slug, plan: 'basic' },
			...{ billing: 'free', billing_reason: 'pruebas' }
		})
	});
	expect(made.status).toBe(202);

	// The first password, by the link of the welcome mail.
	await page.goto(await mailedLink(demo, email, '/set-password/'));
	await expectReadable(page);
	await page.locator('input[name=password]').fill('password1234');
	await submit(page, 'password');
	await expect(page.getByText('Es de las primeras que alguien probaría')).toBeVisible();
	await page.locator('input[name=password]').fill(FIRST);
	await submit(page, 'password');
	await expect(page).toHaveURL(/\/login\/tenant\?changed/);
	await expect(page.getByText('Su contraseña está lista')).toBeVisible();
	await logIn(page, '/login/tenant', email, FIRST);
	await expect(page).toHaveURL(/\/tenant\/portal$/);

	// The second factor: its key, a first code, the recovery codes.
	await page.goto('/tenant/portal/security');
	await page.getByRole('button', { name: 'Active su segundo factor' }).click();
	const key = await page.locator('figure:has-text("Clave para escribir") code').textContent();
	await expectAccessible(page);
	const secret = decodeBase32IgnorePadding((key ?? '').replace(/\s/g, ''));
	await page.locator('input[name=code]').fill(generateTOTP(secret, 30, 6));
	await submit(page, 'code');
	const shown = page.locator('figure:has-text("Códigos de recuperación") code');
	await expect(shown).toBeVisible();
	const codes = ((await shown.textContent()) ?? '').split('\n');
	expect(codes).toHaveLength(10);
	await expectAccessible(page);

	// Logging in elsewhere now takes one of them, once.
	const elsewhere = await anotherBrowser(browser, baseURL);
	await elsewhere.setViewportSize(page.viewportSize() ?? { width: 390, height: 844 });
	await logIn(elsewhere, '/login/tenant', email, FIRST);
	await expect(elsewhere).toHaveURL(/\/login\/second-factor/);
	await expectReadable(elsewhere);
	await elsewhere.locator('input[name=code]').fill('000000');
	await submit(elsewhere, 'code');
	await expect(elsewhere.getByText('Ese código no es válido o ya se usó')).toBeVisible();
	await elsewhere.locator('input[name=code]').fill(codes[0] ?? '');
	await submit(elsewhere, 'code');
	await expect(elsewhere).toHaveURL(/\/tenant\/portal$/);
	await expectMail(demo, email, 'Se usó un código de recuperación');

	// Both sessions are listed; the one elsewhere is ended and is sent to the login, by itself.
	await elsewhere.goto('/tenant/portal/security');
	await page.goto('/tenant/portal/security');
	await expect(page.getByText('Firefox · Linux')).toBeVisible();
	await expect(page.getByText('Esta sesión')).toHaveCount(1);
	await page.getByRole('button', { name: 'Cerrar', exact: true }).click();
	await expect(page.getByText('Firefox · Linux')).toHaveCount(0);
	await expectAccessible(page);
	await expect(elsewhere).toHaveURL(/\/login\/tenant/);

	// A forgotten password: the same answer for any address, a link that works once, and the factor is still asked for.
	await elsewhere.goto('/reset');
	await expectReadable(elsewhere);
	await elsewhere.locator('input[name=email]').fill(email);
	await submit(elsewhere, 'email');
	await expect(elsewhere.getByText('el enlace ya va en camino')).toBeVisible();
	const link = await mailedLink(demo, email, '/reset/');
	await elsewhere.goto(link);
	await expectReadable(elsewhere);
	await elsewhere.locator('input[name=password]').fill(SECOND);
	await submit(elsewhere, 'password');
	await expect(elsewhere).toHaveURL(/\/login\/tenant\?changed/);
	await expect(page).toHaveURL(/\/login\/tenant/);
	await logIn(elsewhere, '/login/tenant', email, SECOND);
	await elsewhere.locator('input[name=code]').fill(codes[1] ?? '');
	await submit(elsewhere, 'code');
	await expect(elsewhere).toHaveURL(/\/tenant\/portal$/);
	await elsewhere.context().close();
});
