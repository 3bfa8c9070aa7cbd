import { Prisma } from '#prisma/generated/client.ts';

/**
 * Whose timeline it is, as conditions on the rows that it is made of. The conditions stand inside the query, on the columns
 * that an index of each table begins with.
 */
export interface TimelineScope {
	/** On `audit_log AS entry`. */
	acts: Prisma.Sql;
	/** On `provisioning_jobs AS run`. */
	runs: Prisma.Sql;
	/** On `invoices AS invoice`. */
	invoices: Prisma.Sql;
	/** On `refunds AS refund LEFT JOIN invoices AS invoice`. */
	refunds: Prisma.Sql;
	/** On `mrr_movements AS movement`. */
	movements: Prisma.Sql;
	/** On `email_messages AS mail`. */
	mails: Prisma.Sql;
	/** On `alerts AS alert`. */
	alerts: Prisma.Sql;
}

/** One instance: what was done to it, to its subscription and to the signup that it came from. */
export function tenantScope(tenant: {
	id: string;
	customerId: string;
	subscriptionId: string | null;
}): TimelineScope {
	const { id, customerId, subscriptionId } = tenant;
	const signups = Prisma.sql`
		SELECT signup.id FROM signups signup
		WHERE signup.customer_id = ${customerId}::uuid AND signup.tenant_id = ${id}::uuid`;
	const ofSubscription = (table: string) =>
		Prisma.sql`${Prisma.raw(table)}.subscription_id = ${subscriptionId}::uuid AND ${Prisma.raw(table)}.customer_id = ${customerId}::uuid`;
	return {
		acts: Prisma.sql`(entry.subject_type, entry.subject_id) IN (
			SELECT 'tenant', ${id} UNION ALL
			SELECT 'subscription', ${subscriptionId}::text WHERE ${subscriptionId}::text IS NOT NULL UNION ALL
			SELECT 'signup', signup.id::text FROM (${signups}) signup UNION ALL
			SELECT 'domain', domain.id::text FROM custom_domains domain
			WHERE domain.customer_id = ${customerId}::uuid AND domain.tenant_deployment_id = ${id}::uuid UNION ALL
			SELECT 'refund-order', refund_order.id::text FROM refund_orders refund_order
			WHERE refund_order.customer_id = ${customerId}::uuid AND refund_order.signup_id IN (${signups}))`,
		runs: Prisma.sql`run.subject_id = ${id}::uuid`,
		invoices: ofSubscription('invoice'),
		refunds: Prisma.sql`refund.customer_id = ${customerId}::uuid
			AND (${ofSubscription('invoice')} OR refund.signup_id IN (${signups}))`,
		movements: ofSubscription('movement'),
		// Mails are written to a company, whichever of its instances they are about.
		mails: Prisma.sql`false`,
		alerts: Prisma.sql`alert.subject_type = 'tenant' AND alert.subject_id = ${id}`
	};
}

/** One company, with everything that is its own. */
export function customerScope(customerId: string): TimelineScope {
	const own = (table: string) => Prisma.sql`${Prisma.raw(table)}.customer_id = ${customerId}::uuid`;
	return {
		acts: own('entry'),
		runs: own('run'),
		invoices: own('invoice'),
		refunds: own('refund'),
		movements: own('movement'),
		mails: own('mail'),
		alerts: Prisma.sql`alert.subject_type = 'tenant' AND alert.subject_id IN (
			SELECT tenant.id::text FROM tenant_deployments tenant WHERE tenant.customer_id = ${customerId}::uuid)`
	};
}

/** One invoice: what was asked of it, what the bank said, and what went back. */
export function invoiceScope(id: string): TimelineScope {
	const nothing = Prisma.sql`false`;
	return {
		acts: Prisma.sql`entry.subject_type = 'invoice' AND entry.subject_id = ${id}`,
		runs: nothing,
		invoices: Prisma.sql`invoice.id = ${id}::uuid`,
		refunds: Prisma.sql`refund.invoice_id = ${id}::uuid`,
		movements: nothing,
		mails: nothing,
		alerts: Prisma.sql`alert.subject_type = 'invoice' AND alert.subject_id = ${id}`
	};
}

/** One node: what was done with it, what it was reported for, and the runs of the instances that are on it. */
export function nodeScope(id: string): TimelineScope {
	const nothing = Prisma.sql`false`;
	return {
		acts: Prisma.sql`entry.subject_type = 'node' AND entry.subject_id = ${id}`,
		runs: Prisma.sql`run.subject_id IN (
			SELECT tenant.id FROM tenant_deployments tenant
			JOIN lxc_containers container ON container.id = tenant.container_id
			WHERE container.node_id = ${id}::uuid)`,
		invoices: nothing,
		refunds: nothing,
		movements: nothing,
		mails: nothing,
		alerts: Prisma.sql`alert.subject_type = 'node' AND alert.subject_id = ${id}`
	};
}

/** One domain of a customer: what was done with it, and what it was reported for. */
export function domainScope(id: string): TimelineScope {
	const nothing = Prisma.sql`false`;
	return {
		acts: Prisma.sql`entry.subject_type = 'domain' AND entry.subject_id = ${id}`,
		runs: nothing,
		invoices: nothing,
		refunds: nothing,
		movements: nothing,
		mails: nothing,
		alerts: Prisma.sql`alert.subject_type = 'domain' AND alert.subject_id = ${id}`
	};
}

/** One container: what was asked of it, the runs that made it or work on an instance in it, and what it was reported for. */
export function containerScope(id: string): TimelineScope {
	const nothing = Prisma.sql`false`;
	return {
		acts: Prisma.sql`entry.subject_type = 'container' AND entry.subject_id = ${id}`,
		runs: Prisma.sql`(run.id = (SELECT created_by_job_id FROM lxc_containers WHERE id = ${id}::uuid)
			OR run.subject_id IN (SELECT id FROM tenant_deployments WHERE container_id = ${id}::uuid))`,
		invoices: nothing,
		refunds: nothing,
		movements: nothing,
		mails: nothing,
		alerts: Prisma.sql`alert.subject_type = 'container' AND alert.subject_id = ${id}`
	};
}
