import type { Account } from './account.ts';
import { invalid } from './errors.ts';
import { openPayment } from './invoicing.ts';
import { list, type TableName } from './state.ts';

type Json = Record<string, unknown>;

const PREFIXES: [string, TableName][] = [
	['cus_', 'customers'],
	['sub_sched_', 'schedules'],
	['sub_', 'subscriptions'],
	['in_', 'invoices'],
	['pi_', 'payment_intents'],
	['ch_', 'charges'],
	['py_', 'charges'],
	['pm_', 'payment_methods'],
	['prod_', 'products'],
	['price_', 'prices'],
	['re_', 'refunds'],
	['promo_', 'promotion_codes'],
	['di_', 'discounts'],
	['seti_', 'setup_intents'],
	['cn_', 'credit_notes'],
	['clock_', 'test_clocks'],
	['bpc_', 'portal_configurations'],
	['cs_', 'sessions']
];
/** Stored always, shown only when asked for. */
const ON_REQUEST: Record<string, string[]> = { coupon: ['applies_to'] };

/** An invoice shows this many of its lines; the others are pages of its lines' own list. */
const LINES = 10;

/**
 * The answer with the references in `expand[]` replaced by their objects, at most four levels deep.
 * @throws StripeError for a field that is no reference
 */
export function expand(account: Account, result: object, paths: string[]): object {
	const answer: Json = structuredClone({ ...result });
	hide(answer);
	for (const path of paths) {
		const steps = path.split('.');
		if (steps.filter((step) => step !== 'data').length > 4) {
			throw invalid('You cannot expand more than 4 levels of a property.', 'expand');
		}
		follow(account, answer, steps, path);
	}
	return answer;
}

function follow(account: Account, target: unknown, steps: string[], path: string): void {
	const [step, ...rest] = steps;
	if (step === undefined || target === null || target === undefined) return;
	if (Array.isArray(target)) {
		for (const [index, entry] of target.entries()) {
			if (typeof entry === 'string') target[index] = resolve(account, '', entry) ?? entry;
			follow(account, target[index], steps, path);
		}
		return;
	}
	if (!isJson(target)) return;
	const value = Object.hasOwn(target, step) ? target[step] : included(account, target, step);
	if (value === undefined) {
		throw invalid(`This property cannot be expanded (${path}).`, 'expand');
	}
	if (typeof value === 'string') {
		const found = resolve(account, step, value);
		if (!found) throw invalid(`This property cannot be expanded (${path}).`, 'expand');
		target[step] = found;
	} else if (Array.isArray(value) && !rest.length) {
		target[step] = value.map((entry) =>
			typeof entry === 'string' ? (resolve(account, step, entry) ?? entry) : entry
		);
	} else target[step] = value;
	follow(account, target[step], rest, path);
}

function resolve(account: Account, field: string, id: string): Json | null {
	const table =
		field === 'coupon' ? 'coupons' : PREFIXES.find(([prefix]) => id.startsWith(prefix))?.[1];
	if (!table) return null;
	const row = account.find(table, id);
	if (row) return hidden({ ...structuredClone(row) });
	if (table === 'customers') return { id, object: 'customer', deleted: true };
	return null;
}

/** Fields that exist only when asked for. `undefined`: the object has no such field. */
function included(account: Account, target: Json, field: string): unknown {
	const id = String(target.id ?? '');
	const key = `${String(target.object)}.${field}`;
	switch (key) {
		case 'invoice.payments':
			return list(
				structuredClone(account.all('invoice_payments').filter((row) => row.invoice === id)),
				`/v1/invoice_payments?invoice=${id}`
			);
		case 'invoice.confirmation_secret': {
			const invoice = account.find('invoices', id);
			const open = invoice ? openPayment(account, invoice) : null;
			return open ? { client_secret: open.intent.client_secret, type: 'payment_intent' } : null;
		}
		case 'checkout.session.line_items':
			return list(
				structuredClone(account.state.plans[id]?.lines ?? []),
				`/v1/checkout/sessions/${id}/line_items`
			);
		case 'charge.refunds':
			return list(
				structuredClone(
					account
						.all('refunds')
						.filter((row) => row.charge === id)
						.toReversed()
				),
				`/v1/charges/${id}/refunds`
			);
		case 'customer.subscriptions':
			return list(
				structuredClone(
					account.all('subscriptions').filter((row) => row.customer === id && row.ended_at === null)
				),
				`/v1/customers/${id}/subscriptions`
			);
		case 'customer.tax_ids':
			return list(
				structuredClone(account.all('tax_ids').filter((row) => row.customer === id)),
				`/v1/customers/${id}/tax_ids`
			);
		case 'coupon.applies_to':
			return account.find('coupons', id)?.applies_to ?? null;
		case 'coupon.currency_options':
		case 'price.currency_options':
			return {};
		default:
			return undefined;
	}
}

function hide(answer: Json): void {
	hidden(answer);
	if (answer.object === 'list' && Array.isArray(answer.data)) {
		for (const row of answer.data) if (isJson(row)) hidden(row);
	}
}

function hidden(row: Json): Json {
	for (const field of ON_REQUEST[String(row.object)] ?? []) delete row[field];
	const { lines } = row;
	if (row.object === 'invoice' && isJson(lines) && Array.isArray(lines.data)) {
		lines.has_more = lines.data.length > LINES;
		lines.data = lines.data.slice(0, LINES);
	}
	return row;
}

function isJson(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
