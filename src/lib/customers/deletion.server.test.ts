import { expect, it } from 'vitest';
import { aSignup, aSubscription, anInvoice } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { anInvitation, createMember, sessionFor } from '../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { resolveSession } from '#lib/identity/sessions.server.ts';
import { audit, sealAudit, verifyAudit, type Actor } from '#lib/logs/audit.server.ts';
import { listAudit } from '#lib/logs/auditList.server.ts';
import { TIMELINE_KINDS } from '#lib/logs/timeline.ts';
import { timeline } from '#lib/logs/timeline.server.ts';
import { customerScope } from '#lib/logs/timelineScope.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { deleteCustomer, livingOf } from './deletion.server.ts';
import { erase } from './erasure.server.ts';
import { changesOf } from './history.server.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: true });

const ana: Actor = { kind: 'staff', id: null, label: 'ana@erp.example' };
const remove = (id: string) => transaction((tx) => deleteCustomer(tx, id, ana));
const eraseIt = (id: string) =>
	transaction((tx) => erase(tx, id, { by: ana, reason: 'solicitud 17' }));

it('refuses as long as anything lives, and says what', async () => {
	const { id } = await aCustomer({ status: 'active' });
	const subscription = await aSubscription({ customerId: id });
	const invoice = await anInvoice({ customerId: id, status: 'open' });
	expect((await livingOf(db, id)).map(({ kind }) => kind)).toEqual(['subscription', 'invoice']);
	await expect(remove(id)).rejects.toMatchObject({
		code: 'STILL_ALIVE',
		sentence: expect.stringMatching(/suscripciones.*facturas abiertas/)
	});
	await db.subscription.update({ where: { id: subscription.id }, data: { status: 'cancelled' } });
	await expect(remove(id)).rejects.toMatchObject({ code: 'STILL_ALIVE' });
	await db.invoice.update({ where: { id: invoice.id }, data: { status: 'paid' } });
	await remove(id);
	expect(await db.customer.findUniqueOrThrow({ where: { id } })).toMatchObject({
		status: 'deleted',
		deletedAt: expect.any(Date)
	});
	await remove(id);
});

it('refuses with a tenant, also one that is being deleted', async () => {
	const tenant = await createUnplacedTenant(db);
	await db.tenant.update({ where: { id: tenant.id }, data: { status: 'deleting' } });
	await expect(remove(tenant.customerId)).rejects.toMatchObject({
		code: 'STILL_ALIVE',
		sentence: expect.stringContaining(tenant.slug)
	});
});

it('lets nobody in any more, and takes invitations back', async () => {
	const member = await createMember('owner');
	const { token } = await sessionFor(member);
	const { id } = await anInvitation(member.customerId);
	await db.customer.update({ where: { id: member.customerId }, data: { status: 'inactive' } });
	expect(await resolveSession(token)).not.toBeNull();
	await remove(member.customerId);
	expect(await resolveSession(token)).toBeNull();
	expect(await db.invitation.findUniqueOrThrow({ where: { id } })).toMatchObject({
		revokedAt: expect.any(Date)
	});
});

it('erases what identifies people, keeps the accounting, and leaves the audit chain whole', async () => {
	const customer = await aCustomer({
		...{ companyName: 'Zarzamora Secreta', fullName: 'Rosa Zarzamora' },
		...{ email: 'rosa@zarzamora.example', phone: '+593 2 999 9999', taxId: '1790016919001' },
		...{ stripeCustomerId: 'cus_zarza', status: 'inactive' }
	});
	const { id } = customer;
	const only = await createMember('owner', customer, { email: 'rosa@zarzamora.example' });
	const both = await createMember('member', customer, { email: 'otra@zarzamora.example' });
	const elsewhere = await aCustomer();
	const { roleId } = await db.membership.findFirstOrThrow({ where: { userId: both.id } });
	await db.membership.create({ data: { userId: both.id, customerId: elsewhere.id, roleId } });
	await sessionFor(only);
	const invoice = await anInvoice({ customerId: id, status: 'paid' });
	await aSignup({ customerId: id, companyName: 'Zarzamora Secreta', email: customer.email });
	await transaction((tx) =>
		queueMail(tx, {
			...{ template: 'refunded', userId: only.id, customerId: id, to: customer.email },
			...{ locale: 'es', data: { name: 'Rosa', company: 'Zarzamora Secreta', amount: 'USD 1' } }
		})
	);
	await db.emailMessage.updateMany({ where: { customerId: id }, data: { status: 'sent' } });
	await db.stripeEvent.create({
		data: {
			...{ eventId: 'evt_zarza', eventType: 'customer.updated', stripeCustomerId: 'cus_zarza' },
			payload: {
				id: 'evt_zarza',
				type: 'customer.updated',
				data: { object: { id: 'cus_zarza', object: 'customer', email: customer.email } }
			},
			processed: true,
			createdAt: new Date()
		}
	});
	await db.vendorCall.create({
		data: {
			...{ vendor: 'stripe', operation: 'customers.update', status: 'succeeded', customerId: id },
			request: { email: customer.email }
		}
	});
	const upload = await db.customerImport.create({ data: { fileName: 'x.csv', byLabel: 'ana' } });
	await db.customerImportLine.create({
		data: { importId: upload.id, line: 2, cells: { email: customer.email }, customerId: id }
	});
	await audit(db, {
		actor: { kind: 'member', id: only.id, label: customer.email },
		action: 'customers.edit',
		subject: { type: 'customer', id },
		customerId: id,
		before: { full_name: 'Rosa', changes: [{ email: customer.email }] },
		after: { full_name: 'Rosa Zarzamora', status: 'inactive' },
		ip: '192.0.2.17'
	});
	await eraseIt(id);
	expect(await db.customer.findUniqueOrThrow({ where: { id } })).toMatchObject({
		...{ status: 'deleted', taxId: '1790016919001', country: 'EC', phone: null },
		erasedAt: expect.any(Date)
	});
	expect(await db.user.findUnique({ where: { id: only.id } })).toBeNull();
	expect(await db.session.count({ where: { userId: only.id } })).toBe(0);
	expect(await db.user.findUnique({ where: { id: both.id } })).not.toBeNull();
	expect(await db.membership.count({ where: { customerId: id } })).toBe(0);
	expect(await db.invoice.findUnique({ where: { id: invoice.id } })).not.toBeNull();
	const traces = () => db.$queryRaw<{ found: bigint }[]>`
		SELECT (SELECT count(*) FROM customers WHERE customers::text ILIKE '%zarzamora%')
			+ (SELECT count(*) FROM users WHERE email = 'rosa@zarzamora.example')
			+ (SELECT count(*) FROM signups WHERE signups::text ILIKE '%zarzamora%')
			+ (SELECT count(*) FROM email_messages WHERE email_messages::text ILIKE '%zarzamora%')
			+ (SELECT count(*) FROM stripe_events WHERE payload::text ILIKE '%zarzamora%')
			+ (SELECT count(*) FROM vendor_calls WHERE request::text ILIKE '%zarzamora%')
			+ (SELECT count(*) FROM customer_import_lines WHERE cells::text ILIKE '%zarzamora%') AS found`;
	await eventually(async () => Number((await traces())[0]!.found) === 0);
	await eraseIt(id);
	expect(await db.auditEntry.count({ where: { subjectId: id, action: 'customers.erase' } })).toBe(
		1
	);
	// The log holds what was written, so that its chain verifies; nobody is shown whom it names.
	await sealAudit();
	expect(await verifyAudit()).toMatchObject({ intact: true });
	const page = { page: 1, pageSize: 100, cursor: null };
	const shown = [
		(await listAudit(db, { ...page, q: '', filters: {} })).rows.filter(
			(row) => row.customerId === id
		),
		await changesOf(db, id),
		(await timeline(db, customerScope(id), { ...page, kinds: TIMELINE_KINDS, filters: {} })).rows
	];
	for (const rows of shown) {
		expect(JSON.stringify(rows)).toContain('customers.erase');
		expect(JSON.stringify(rows)).not.toMatch(/zarzamora|rosa|192\.0\.2\.17/i);
	}
	const named = await listAudit(db, { ...page, q: 'zarzamora', filters: {} });
	expect(named.rows).toEqual([]);
});

it('does not erase whom we still serve', async () => {
	const { id } = await aCustomer({ status: 'active' });
	await aSubscription({ customerId: id });
	await expect(eraseIt(id)).rejects.toMatchObject({ code: 'STILL_ALIVE' });
	expect(await db.customer.findUniqueOrThrow({ where: { id } })).toMatchObject({ erasedAt: null });
});
