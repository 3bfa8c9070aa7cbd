import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStripe } from '../testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

const post = (url: string, fields: Record<string, string>): Promise<Response> =>
	fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
const card = (cardNumber: string) => ({
	email: 'ana@example.com',
	method: 'card',
	cardNumber,
	cardExpiry: '12 / 40',
	cardCvc: '123',
	billingName: 'Ana'
});

test('the hosted page speaks the session’s language and leads back', async () => {
	const es = await (await fetch((await lab.session({ locale: 'es' })).url ?? '')).text();
	expect(es).toContain('lang="es"');
	expect(es).toContain('Suscribirse');
	expect(es).toContain('href="http://app.test/signup"');
	expect(es).not.toContain('<script');
	const en = await (await fetch((await lab.session({ locale: 'en' })).url ?? '')).text();
	expect(en).toContain('Subscribe to Basic');
	expect(en).toContain('value="ana@example.com"');
	const evil = await lab.session({
		line_items: [{ price: (await lab.monthly(100, '<b>"x"')).id, quantity: 1 }]
	});
	expect(await (await fetch(evil.url ?? '')).text()).toContain('&lt;b&gt;&quot;x&quot;');
});

test('a refusal says why and keeps what was typed; the next card pays and returns to success_url', async () => {
	const { id, url } = await lab.session({ locale: 'es' });
	const page = url ?? '';
	for (const [number, words] of [
		['4242 4242 4242 4241', 'El número de la tarjeta es incorrecto'],
		['4000000000000002', 'Su tarjeta fue rechazada'],
		['4000000000009995', 'no tiene fondos suficientes']
	] as const) {
		const refused = await (await post(page, card(number))).text();
		expect(refused).toContain(words);
		expect(refused).toContain(`value="${number}"`);
	}
	expect(
		await (await post(page, { ...card('4242424242424242'), cardExpiry: '01/20' })).text()
	).toContain('vencida');
	const paid = await post(page, card('4242 4242 4242 4242'));
	expect(paid.status).toBe(303);
	expect(paid.headers.get('location')).toBe(`http://app.test/success?session=${id}`);
	expect(await (await fetch(page)).text()).toContain('El pago ya fue realizado');
	expect((await post(page, card('4242424242424242'))).status).toBe(200);
	expect((await lab.stripe.subscriptions.list({ limit: 100 })).data).toHaveLength(1);
});

test('3-D Secure: failing goes back to the form, authorising pays', async () => {
	const { id, url } = await lab.session();
	const page = url ?? '';
	const ask = async (): Promise<string> => {
		const asked = await post(page, card('4000002500003155'));
		expect(asked.headers.get('location')).toBe(`/c/pay/${id}/authenticate`);
		return `${lab.server.url}/c/pay/${id}/authenticate`;
	};
	const first = await ask();
	expect(await (await fetch(first)).text()).toContain('Autorizar');
	expect(await (await post(first, { outcome: 'fail' })).text()).toContain('No pudimos autenticar');
	expect((await lab.stripe.checkout.sessions.retrieve(id)).status).toBe('open');
	expect((await post(await ask(), { outcome: 'authorize' })).status).toBe(303);
	expect((await lab.stripe.checkout.sessions.retrieve(id)).payment_status).toBe('paid');
});

test('a bank debit leads on, unpaid; an expired session says that nothing was charged', async () => {
	const bank = await lab.session();
	expect((await post(bank.url ?? '', { email: 'ana@example.com', method: 'bank' })).status).toBe(
		303
	);
	expect((await lab.stripe.checkout.sessions.retrieve(bank.id)).payment_status).toBe('unpaid');
	const old = await lab.session();
	await lab.stripe.checkout.sessions.expire(old.id);
	expect(await (await fetch(old.url ?? '')).text()).toContain('No se hizo ningún cobro');
	expect((await fetch(`${lab.server.url}/c/pay/cs_test_none`)).status).toBe(404);
});

test('a promotion code lowers the total', async () => {
	const coupon = await lab.stripe.coupons.create({ percent_off: 50, duration: 'once' });
	await lab.stripe.promotionCodes.create({
		promotion: { type: 'coupon', coupon: coupon.id },
		code: 'MITAD'
	});
	const { id, url } = await lab.session({ allow_promotion_codes: true, locale: 'es' });
	const wrong = await (
		await post(url ?? '', { ...card('4242424242424242'), promotion: 'NADA' })
	).text();
	expect(wrong).toContain('Este código no es válido');
	await post(url ?? '', { ...card('4242424242424242'), promotion: 'mitad' });
	const done = await lab.stripe.checkout.sessions.retrieve(id, { expand: ['invoice'] });
	expect(done).toMatchObject({ amount_total: 1450, invoice: { total: 1450, amount_paid: 1450 } });
});

test('the invoice has a page and a real PDF; the open one can be paid there', async () => {
	const { invoice } = await lab.paid();
	expect(await (await fetch(invoice.hosted_invoice_url ?? '')).text()).toContain('Factura pagada');
	const pdf = await fetch(invoice.invoice_pdf ?? '');
	const bytes = Buffer.from(await pdf.arrayBuffer()).toString('latin1');
	expect(pdf.headers.get('content-type')).toBe('application/pdf');
	expect(bytes).toMatch(/^%PDF-1\.4[\s\S]*%%EOF\n$/);
	const table = Number(/startxref\n(\d+)/.exec(bytes)?.[1]);
	expect(bytes.slice(table, table + 4)).toBe('xref');
	expect(bytes).toContain(invoice.number);
	expect(
		(await fetch((invoice.invoice_pdf ?? '').replace(/\/[^/]+\/pdf$/, '/guess/pdf'))).status
	).toBe(404);
	const { id } = await lab.stripe.customers.create({ email: 'p@example.com' });
	const bad = await lab.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
		customer: id
	});
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: (await lab.monthly()).id }],
		default_payment_method: bad.id
	});
	const due = await lab.stripe.invoices.retrieve(String(made.latest_invoice));
	expect(
		await (await post(due.hosted_invoice_url ?? '', card('4000000000000002'))).text()
	).toContain('rechazada');
	expect((await post(due.hosted_invoice_url ?? '', card('4242424242424242'))).status).toBe(303);
	expect((await lab.stripe.invoices.retrieve(due.id ?? '')).status).toBe('paid');
	expect((await lab.stripe.subscriptions.retrieve(made.id)).status).toBe('active');
});
