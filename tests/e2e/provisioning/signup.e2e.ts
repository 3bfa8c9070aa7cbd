import { expect, expectAccessible, test } from '../fixtures.ts';
import { fillSignup, mailedLink, payByCard, somebody } from '../buying.ts';

test('from the landing page to an ERP that opens, and to the portal', async ({
	page,
	demo,
	expectConsole
}) => {
	test.setTimeout(180_000);
	// The stand-in for the ERP has no icon.
	expectConsole(/favicon\.ico/);
	const buyer = somebody('cuento');
	await page.goto('/');
	await expectAccessible(page);
	await page.locator('input[name=subdomain]').first().fill(buyer.slug);
	await expect(page.getByRole('status').getByText('Disponible').first()).toBeVisible();
	await page.getByRole('button', { name: 'Continuar' }).first().click();

	await expect(page).toHaveURL(/\/signup\?subdomain=/);
	await expect(page.locator('input[name=subdomain]')).toHaveValue(buyer.slug);
	await fillSignup(page, buyer);
	await expectAccessible(page);
	await page.getByRole('button', { name: 'Continuar al pago en Stripe' }).click();

	await page.waitForURL(`${demo.vendors.stripe.url}/**`);
	await payByCard(page, '4242 4242 4242 4242');

	await page.waitForURL(/\/success\?/);
	await expect(page.getByRole('heading', { level: 1 })).toHaveText('Su ERP está listo', {
		timeout: 120_000
	});
	await expectAccessible(page);
	const open = page.getByRole('link', { name: 'Abrir mi ERP' });
	const url = await open.getAttribute('href');
	expect(url).toContain(`${buyer.slug}.`);

	await page.goto(await mailedLink(demo, buyer.email, '/set-password/'));
	await page.locator('input[name=password]').fill('cacao-con-canela-7');
	await page.locator('form button[type=submit]').first().click();
	await page.waitForURL((found) => !found.pathname.startsWith('/set-password'));
	if (page.url().includes('/login')) {
		await page.locator('input[name=email]').fill(buyer.email);
		await page.locator('input[name=password]').fill('cacao-con-canela-7');
		await page.locator('form:has(input[name=password]) button[type=submit]').click();
	}
	await page.waitForURL(/\/tenant\/portal/);
	await expect(page.getByText('Activa', { exact: true }).first()).toBeVisible();
	await expectAccessible(page);

	// The password is shown once, to who has just said again who they are.
	await page.getByRole('button', { name: 'Ver la contraseña' }).click();
	if (page.url().includes('/login/confirm')) {
		await page.locator('input[name=proof]').fill('cacao-con-canela-7');
		await page.locator('form:has(input[name=proof]) button[type=submit]').click();
		await page.waitForURL(/\/tenant\/portal$/);
		await page.getByRole('button', { name: 'Ver la contraseña' }).click();
	}
	await expect(page.getByText('no se vuelve a mostrar')).toBeVisible();
	const password = await page.locator('dt:text-is("Contraseña") + dd span').first().innerText();
	await page.reload();
	await expect(page.getByText(password, { exact: true })).toHaveCount(0);
	await expect(page.getByRole('button', { name: 'Generar una nueva' })).toBeVisible();

	await page.goto('/tenant/portal/billing');
	const pdf = await page.getByRole('link', { name: /^Descargar el PDF/ }).getAttribute('href');
	const document = await page.request.get(pdf ?? '');
	expect(document.headers()['content-type']).toContain('application/pdf');

	await page.goto(`${url}/web/login`);
	await page.locator('input[name=login]').fill(buyer.email);
	await page.locator('input[name=password]').fill(password);
	await page.locator('button[type=submit]').click();
	await expect(page.locator('header')).toContainText(buyer.company);
});

test('a declined card can be replaced, and nothing was lost', async ({ page, demo }) => {
	test.setTimeout(180_000);
	const buyer = somebody('rechazo');
	await page.goto('/signup?plan=basic');
	await fillSignup(page, buyer);
	await page.getByRole('button', { name: 'Continuar al pago en Stripe' }).click();
	await page.waitForURL(`${demo.vendors.stripe.url}/**`);
	await payByCard(page, '4000 0000 0000 0002');
	await expect(page.getByRole('alert')).toContainText('rechazada');

	// Back without paying: the form still has everything, and the same name is still held for this visitor.
	await page.goto('/signup?cancelled=1');
	await expect(page.getByText('No se cobró nada')).toBeVisible();
	await expect(page.locator('input[name=company_name]')).toHaveValue(buyer.company);
	await expect(page.locator('input[name=subdomain]')).toHaveValue(buyer.slug);
	await page.locator('input[name=terms]').check();
	await page.getByRole('button', { name: 'Continuar al pago en Stripe' }).click();
	await page.waitForURL(`${demo.vendors.stripe.url}/**`);
	await payByCard(page, '4242 4242 4242 4242');
	await page.waitForURL(/\/success\?/);
	await expect(page.getByRole('heading', { level: 1 })).toHaveText('Su ERP está listo', {
		timeout: 120_000
	});
});

test('works without scripts', async ({ browser, demo, contextOptions }) => {
	const context = await browser.newContext({
		...contextOptions,
		baseURL: demo.app,
		javaScriptEnabled: false
	});
	const page = await context.newPage();
	const buyer = somebody('simple');
	await page.goto('/');
	await page.locator('input[name=subdomain]').first().fill(buyer.slug);
	await page.getByRole('button', { name: 'Continuar' }).first().click();
	await fillSignup(page, { ...buyer, email: 'no es un correo' });
	await page.getByRole('button', { name: 'Continuar al pago en Stripe' }).click();
	await expect(page.getByText('Escriba un correo válido')).toBeVisible();
	await expect(page.locator('input[name=company_name]')).toHaveValue(buyer.company);
	await page.locator('input[name=email]').fill(buyer.email);
	await page.locator('input[name=terms]').check();
	await page.getByRole('button', { name: 'Continuar al pago en Stripe' }).click();
	await page.waitForURL(`${demo.vendors.stripe.url}/**`);
	await expect(page.getByTestId('submit')).toBeVisible();

	await page.goto('/reset');
	await page.locator('input[name=email]').fill(demo.customer.email);
	await page.locator('form:has(input[name=email]) button[type=submit]').click();
	await page.goto(await mailedLink(demo, demo.customer.email, '/reset/'));
	await page.locator('input[name=password]').fill('password1234');
	await page.locator('form:has(input[name=password]) button[type=submit]').click();
	await expect(page.getByText('Es de las primeras que alguien probaría')).toBeVisible();
	await context.close();
});
