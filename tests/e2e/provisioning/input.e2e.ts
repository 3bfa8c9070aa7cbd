import { expect, expectAccessible, test, useTheme } from '../fixtures.ts';
import { fillSignup, somebody } from '../buying.ts';

const words = {
	'es-DO': {
		submit: 'Continuar al pago en Stripe',
		email: 'Escriba un correo válido, como ana@empresa.com.',
		country: 'Elija su país.',
		terms: 'Acepte las condiciones para continuar.',
		short: 'Use al menos 3 caracteres.',
		reserved: 'No disponible',
		taken: 'No disponible'
	},
	'en-US': {
		submit: 'Continue to payment at Stripe',
		email: 'Enter a valid email, such as ana@company.com.',
		country: 'Choose your country.',
		terms: 'Accept the terms to continue.',
		short: 'Use at least 3 characters.',
		reserved: 'Not available',
		taken: 'Not available'
	}
} as const;

for (const locale of ['es-DO', 'en-US'] as const) {
	test.describe(locale, () => {
		test.use({ locale });
		const say = words[locale];

		test('bad input is explained beside its field, and nothing typed is lost', async ({ page }) => {
			const buyer = somebody('malo');
			await page.goto('/signup?plan=basic');
			await fillSignup(page, { ...buyer, email: 'ana@', slug: 'ab' }, '');
			await page.locator('input[name=terms]').uncheck();
			await page.getByRole('button', { name: say.submit }).click();
			for (const sentence of [say.email, say.country, say.terms, say.short]) {
				await expect(page.getByText(sentence)).toBeVisible();
			}
			await expect(page.locator('input[name=company_name]')).toHaveValue(buyer.company);
			await expect(page.locator('input[name=full_name]')).toHaveValue(buyer.name);
			await expect(page.locator('input[name=email]')).toHaveValue('ana@');
			await expect(page.locator('input[name=subdomain]')).toHaveValue('ab');
			await expect(page.locator('input[name=plan][value=basic]')).toBeChecked();
			await expectAccessible(page);
		});

		test('a name that is taken or reserved is said while one types', async ({ page }) => {
			await page.goto('/signup');
			const name = page.locator('input[name=subdomain]');
			await name.fill('ejemplo');
			await expect(page.getByText(say.taken, { exact: true })).toBeVisible();
			await name.fill('admin');
			await expect(page.getByText(say.reserved, { exact: true })).toBeVisible();
		});
	});
}

test('the address is suggested from the company until one types another', async ({ page }) => {
	await page.goto('/signup');
	await page.locator('input[name=company_name]').fill('Añejo & Ñandú S.A.');
	await expect(page.locator('input[name=subdomain]')).toHaveValue('anejo-nandu-s-a');
	await page.locator('input[name=subdomain]').fill('otra-cosa-mia');
	await page.locator('input[name=company_name]').fill('Otra Empresa');
	await expect(page.locator('input[name=subdomain]')).toHaveValue('otra-cosa-mia');
});

for (const path of ['/', '/signup', '/status', '/terms', '/privacy', '/success']) {
	test(`${path} reads well in both themes`, async ({ page }) => {
		await page.goto(path);
		for (const theme of ['light', 'dark'] as const) {
			await useTheme(page, theme);
			await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
			await expectAccessible(page);
		}
	});
}
