/** A list of the admin. */
export interface List {
	name: string;
	path: string;
	/** What it asks the database for, bare. */
	sql: string;
}

const page = (table: string, where = 'true', sort = 'created_at') =>
	`SELECT * FROM ${table} WHERE ${where} ORDER BY ${sort} DESC, id DESC LIMIT 26`;
const WORD = `lower(company_name || ' ' || full_name || ' ' || email) LIKE '%persona77@%'`;

/** Every list, as it opens and with what staff look for in it. */
export const LISTS: List[] = [
	{
		name: 'Dashboard',
		path: '/admin',
		sql: `SELECT sum(mrr) FROM subscriptions WHERE currency = 'usd' AND mrr > 0`
	},
	{
		name: 'Figures',
		path: '/admin/billing',
		sql: `SELECT month, sum(new + expansion + contraction + churn + reactivation) FROM mrr_months WHERE currency = 'usd' AND cohort = '' GROUP BY month`
	},
	{ name: 'Customers', path: '/admin/customers', sql: page('customers') },
	{
		name: 'Customers, a word',
		path: '/admin/customers?q=persona77%40',
		sql: page('customers', WORD)
	},
	{
		name: 'Customers, a plan and state',
		path: '/admin/customers?plan=pro&status=active',
		sql: page('customers', `plan_key = 'pro' AND status = 'active'`)
	},
	{ name: 'Tenants', path: '/admin/tenants', sql: page('tenant_deployments') },
	{
		name: 'Tenants, a state',
		path: '/admin/tenants?status=suspended',
		sql: page('tenant_deployments', `status = 'suspended'`)
	},
	{
		name: 'Subscriptions',
		path: '/admin/billing/subscriptions',
		sql: page('subscriptions', 'true', 'mrr')
	},
	{
		name: 'Subscriptions, late',
		path: '/admin/billing/subscriptions?status=past_due',
		sql: page('subscriptions', `status = 'past_due'`, 'mrr')
	},
	{
		name: 'Movements',
		path: '/admin/billing/movements',
		sql: page('mrr_movements', 'true', 'at')
	},
	{
		name: 'Movements, churn',
		path: '/admin/billing/movements?kind=churn&currency=usd',
		sql: page('mrr_movements', `kind = 'churn' AND currency = 'usd'`, 'at')
	},
	{
		name: 'Movements, a word',
		path: '/admin/billing/movements?q=persona77%40',
		sql: page('mrr_movements', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`, 'at')
	},
	{ name: 'Invoices', path: '/admin/billing/invoices', sql: page('invoices') },
	{
		name: 'Invoices, paid in a month',
		path: '/admin/billing/invoices?paid=2026-03',
		sql: page(
			'invoices',
			`paid_at >= '2026-03-01' AND paid_at < '2026-04-01' AND created_at < '2026-04-01'`
		)
	},
	{
		name: 'Invoices, open',
		path: '/admin/billing/invoices?status=open',
		sql: page('invoices', `status = 'open'`)
	},
	{
		name: 'Invoices, a word',
		path: '/admin/billing/invoices?q=persona77%40',
		sql: page('invoices', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`)
	},
	{
		name: 'Customers, a country, by company',
		path: '/admin/customers?country=EC&sort=company_name',
		sql: `SELECT * FROM customers WHERE country = 'EC' ORDER BY company_name, id LIMIT 26`
	},
	{
		name: 'Subscriptions, a plan, newest first',
		path: '/admin/billing/subscriptions?plan=pro&sort=-created_at',
		sql: page('subscriptions', `plan_id IN (SELECT id FROM plans WHERE key = 'pro')`)
	},
	{
		name: 'Movements, customers lost of a plan',
		path: '/admin/billing/movements?heads=lost&plan=pro',
		sql: page('mrr_movements', `customers = -1 AND plan_key = 'pro'`, 'at')
	},
	{
		name: 'Invoices, a plan and country',
		path: '/admin/billing/invoices?plan=pro&country=EC',
		sql: page('invoices', `plan_key = 'pro' AND country = 'EC'`)
	},
	{
		name: 'Invoices, the largest first',
		path: '/admin/billing/invoices?sort=-total',
		sql: page('invoices', 'true', 'total')
	},
	{
		name: 'Late payments',
		path: '/admin/billing/dunning',
		sql: page('dunning_cases', 'closed_at IS NULL', 'started_at')
	},
	{
		name: 'Events',
		path: '/admin/billing/events',
		sql: page('stripe_events', 'true', 'received_at')
	},
	{
		name: 'Events, a type',
		path: '/admin/billing/events?type=invoice.paid',
		sql: page('stripe_events', `event_type = 'invoice.paid'`, 'received_at')
	},
	{
		name: 'Domains',
		path: '/admin/domains',
		sql: page('custom_domains', `verification_status <> 'removed'`)
	},
	{
		name: 'Domains, a state',
		path: '/admin/domains?status=error',
		sql: page('custom_domains', `verification_status = 'error'`)
	},
	{
		name: 'Domains, certificates that end soon',
		path: '/admin/domains?certificate=expiring&sort=certificate',
		sql: page(
			'custom_domains',
			`verification_status <> 'removed' AND certificate_expires_at < now() + interval '21 days'`,
			`coalesce(certificate_expires_at, 'infinity'::timestamptz)`
		)
	},
	{
		name: 'Domains, by name',
		path: '/admin/domains?sort=domain',
		sql: page('custom_domains', `verification_status <> 'removed'`, 'external_domain')
	},
	{
		name: 'Domains, a word',
		path: '/admin/domains?q=persona77%40',
		sql: page('custom_domains', `customer_id IN (SELECT id FROM customers WHERE ${WORD})`)
	}
];
