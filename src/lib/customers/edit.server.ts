import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';
import { findCustomer } from './customerView.server.ts';
import type { CustomerChanges, CustomerFieldName } from './schema.ts';
import { readTaxId, taxIdKindsOf } from './taxIds.ts';
import { sellerRule, taxExemptOf } from './taxRule.server.ts';
import { customerField, taxIdSentence } from './words.ts';

const COLUMNS = {
	company_name: 'companyName',
	full_name: 'fullName',
	email: 'email',
	phone: 'phone',
	country: 'country',
	tax_id: 'taxId',
	tax_id_type: 'taxIdType',
	tax_exempt: 'taxExempt',
	address_line: 'addressLine',
	city: 'city',
	state: 'state',
	postal_code: 'postalCode',
	locale: 'locale',
	notes: 'notes'
} as const satisfies Record<CustomerFieldName, keyof Customer>;

/** What Stripe has a copy of. */
const AT_STRIPE: ReadonlySet<string> = new Set(
	Object.keys(COLUMNS).filter((name) => name !== 'notes' && name !== 'full_name')
);

/**
 * Changes what is known of a customer, once and only on what the person saw; Stripe's copy follows by a job.
 * @param input.version of the customer on that page
 * @param input.reader for whom a conflict is put into words: members are not told who of the staff it was
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE with a sentence beside the field and `params.version`, the one to
 * repeat it with; BAD_INPUT beside `tax_id`; WRONG_STATE for one that is deleted
 */
export async function edit(
	tx: Tx,
	customerId: string,
	input: { version: number; changes: CustomerChanges; by: Actor; reader?: 'staff' | 'member' }
): Promise<Customer> {
	await tx.$queryRaw`SELECT id FROM customers WHERE id = ${customerId}::uuid FOR UPDATE`;
	const customer = await findCustomer(tx, customerId);
	const { by, reader = 'staff' } = input;
	if (customer.status === 'deleted')
		throw new AppError('WRONG_STATE', { params: { from: 'deleted', to: 'deleted' } });
	const names = Object.keys(input.changes).filter(isFieldName);
	if (customer.version !== input.version)
		throw await conflict(tx, customer, input.version, names[0] ?? 'company_name', reader);
	const wanted = await withTaxRule(customer, input.changes);
	const [before, after] = differences(customer, wanted);
	const changed = Object.keys(after);
	if (changed.length === 0) return customer;
	const data = Object.fromEntries(
		changed.filter(isFieldName).map((name) => [COLUMNS[name], after[name]])
	);
	const saved = await tx.customer.update({
		where: { id: customerId },
		data: { ...data, version: { increment: 1 } }
	});
	await audit(tx, {
		actor: by,
		action: 'customers.edit',
		subject: { type: 'customer', id: customerId },
		customerId,
		before,
		after
	});
	await publish(tx, [`customer:${customerId}`, 'staff:customers'], customerId);
	if (customer.stripeCustomerId && changed.some((name) => AT_STRIPE.has(name)))
		await enqueue(tx, 'billing.push-customer', { customerId }, { key: customerId });
	return saved;
}

/**
 * A tax id as its country writes it. Without a kind the first one that fits is taken; a country whose numbers we do not
 * know may have any.
 * @throws {AppError} BAD_INPUT beside `tax_id`
 */
export function acceptedTaxId(given: {
	country: string | null;
	taxId: string | null;
	taxIdType: string | null;
}): { taxId: string | null; taxIdType: string | null } {
	const { country, taxId, taxIdType } = given;
	if (!taxId) return { taxId: null, taxIdType: null };
	const kinds = taxIdKindsOf(country);
	if (!country) throw refusedTaxId(m.tax_id_needs_country());
	if (kinds.length === 0 && !taxIdType) return { taxId, taxIdType: null };
	const tried = (taxIdType ? [taxIdType] : kinds.map(({ type }) => type)).map((type) => ({
		type,
		read: readTaxId(country, type, taxId)
	}));
	for (const { type, read } of tried)
		if ('value' in read) return { taxId: read.value, taxIdType: type };
	const [first] = tried;
	if (!first || 'value' in first.read) throw refusedTaxId(m.tax_id_unknown_kind());
	throw refusedTaxId(taxIdSentence(first.read.problem, first.read.kind));
}

function refusedTaxId(sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { tax_id: sentence } });
}

/** The changes with what follows from them: the number as its country writes it, and how tax is charged. */
async function withTaxRule(
	customer: Customer,
	changes: CustomerChanges
): Promise<Record<string, unknown>> {
	const { tax_exempt: exemption, ...wanted } = changes;
	const touched = ['country', 'tax_id', 'tax_id_type'].some((name) => name in changes);
	if (!touched && exemption === undefined) return wanted;
	const country = wanted.country === undefined ? customer.country : wanted.country;
	const sent = wanted.tax_id === undefined ? customer.taxId : wanted.tax_id;
	const sameKind = wanted.country === undefined || wanted.country === customer.country;
	const kept = wanted.tax_id === undefined && sameKind ? customer.taxIdType : null;
	const type = wanted.tax_id_type === undefined ? kept : wanted.tax_id_type;
	const read = touched
		? acceptedTaxId({ country, taxId: sent, taxIdType: type })
		: { taxId: customer.taxId, taxIdType: customer.taxIdType };
	const taxExempt =
		exemption === 'exempt' ? 'exempt' : exemption === 'auto' ? 'none' : customer.taxExempt;
	return {
		...wanted,
		tax_id: read.taxId,
		tax_id_type: read.taxIdType,
		tax_exempt: taxExemptOf({ country, ...read, taxExempt }, await sellerRule())
	};
}

function differences(
	customer: Customer,
	wanted: Record<string, unknown>
): [before: Record<string, unknown>, after: Record<string, unknown>] {
	const before: Record<string, unknown> = {};
	const after: Record<string, unknown> = {};
	for (const name of Object.keys(wanted).filter(isFieldName)) {
		const value = wanted[name];
		if (value === undefined || value === customer[COLUMNS[name]]) continue;
		before[name] = customer[COLUMNS[name]];
		after[name] = value;
	}
	return [before, after];
}

/** Who changed what since the version that the person saw, beside the field that they wanted to change. */
async function conflict(
	tx: Tx,
	customer: Customer,
	seen: number,
	field: string,
	reader: 'staff' | 'member'
): Promise<AppError> {
	const since = await tx.auditEntry.findMany({
		where: { subjectType: 'customer', subjectId: customer.id, action: 'customers.edit' },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: Math.min(20, Math.max(1, customer.version - seen)),
		select: { actorKind: true, actorLabel: true, before: true, after: true }
	});
	const who = [
		...new Set(
			since.map(({ actorKind, actorLabel }) =>
				reader === 'member' && actorKind !== 'member' ? m.customer_conflict_staff() : actorLabel
			)
		)
	];
	const what = since.flatMap(({ before, after }) => changesInWords(before, after));
	const sentence = m.customer_conflict({
		who: who.join(', ') || '—',
		what: [...new Set(what)].join('; ') || '—'
	});
	return new AppError('CHANGED_MEANWHILE', {
		fields: { [field]: sentence },
		params: { version: customer.version }
	});
}

function changesInWords(before: unknown, after: unknown): string[] {
	const was: Record<string, unknown> = typeof before === 'object' ? { ...before } : {};
	const is: Record<string, unknown> = typeof after === 'object' ? { ...after } : {};
	return Object.keys(is).map((name) =>
		m.customer_conflict_change({
			field: customerField(name).toLowerCase(),
			before: written(was[name]),
			after: written(is[name])
		})
	);
}

function written(value: unknown): string {
	return value === null || value === undefined || value === '' ? '—' : String(value).slice(0, 80);
}

function isFieldName(name: string): name is CustomerFieldName {
	return Object.hasOwn(COLUMNS, name);
}
