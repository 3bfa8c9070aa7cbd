import pg from 'pg';

/** Every generated row is found by the namespace of its id: `md5('bench-tenant-17')::uuid`. */
const id = (kind: string, n = 'n') => `md5('bench-${kind}-' || ${n})::uuid`;

/** Set-ups of the last 30 days are 1 in 24: two years of steady growth. */
const CREATED = `now() - (n::float8 / $1) * interval '730 days'`;

const STEPS = ['place', 'container', 'database', 'dns', 'ingress', 'verify', 'activate'];

/** What a platform with so many tenants has gathered in two years, written by PostgreSQL itself. */
const INSERTS = [
	`INSERT INTO customers (id, company_name, full_name, email, country, stripe_customer_id, status, created_at, updated_at)
	SELECT ${id('customer')}, 'Empresa ' || n || ' S.A.', 'Persona ' || n, 'persona' || n || '@empresa' || n || '.example', 'EC',
		'cus_bench' || n, CASE WHEN n % 20 = 0 THEN 'inactive' ELSE 'active' END::customer_status, ${CREATED}, ${CREATED}
	FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`,

	`INSERT INTO subscriptions (id, customer_id, plan_id, billing_mode, status, currency, amount, interval, mrr, current_period_start, current_period_end, created_at, updated_at)
	SELECT ${id('subscription')}, ${id('customer')}, plan.id, 'invoice', CASE WHEN n % 20 = 0 THEN 'cancelled' ELSE 'active' END::subscription_status,
		'usd', 4900, 'month'::price_interval, CASE WHEN n % 20 = 0 THEN 0 ELSE 4900 END, now() - interval '10 days', now() + interval '20 days', ${CREATED}, ${CREATED}
	FROM generate_series(1, $1) n, (SELECT id FROM plans WHERE key = 'pro' AND replaced_at IS NULL) plan ON CONFLICT DO NOTHING`,

	`INSERT INTO mrr_movements (id, customer_id, subscription_id, kind, amount, currency, at)
	SELECT ${id('movement')}, ${id('customer')}, ${id('subscription')}, 'new'::movement_kind, 4900, 'usd', ${CREATED}
	FROM generate_series(1, $1) n
	UNION ALL
	SELECT ${id('churn')}, ${id('customer')}, ${id('subscription')}, 'churn'::movement_kind, -4900, 'usd', ${CREATED} + interval '12 hours'
	FROM generate_series(20, $1, 20) n ON CONFLICT DO NOTHING`,

	`INSERT INTO tenant_deployments (id, customer_id, subscription_id, plan_id, base_domain_id, subdomain, database_name, isolation, status, created_at, updated_at, queued_at, activated_at, deleted_at)
	SELECT ${id('tenant')}, ${id('customer')}, ${id('subscription')}, plan.id, domain.id, 'empresa-' || n, 'empresa_' || n, 'dedicated',
		CASE WHEN n % 20 = 0 THEN 'deleted' WHEN n % 50 = 1 THEN 'suspended' WHEN n % 500 = 7 THEN 'failed' ELSE 'active' END::tenant_status,
		${CREATED}, ${CREATED}, ${CREATED}, ${CREATED} + interval '2 minutes', CASE WHEN n % 20 = 0 THEN now() END
	FROM generate_series(1, $1) n, (SELECT id FROM plans WHERE key = 'pro' AND replaced_at IS NULL) plan,
		(SELECT id FROM base_domains WHERE is_default) domain ON CONFLICT DO NOTHING`,

	`INSERT INTO provisioning_jobs (id, saga, subject_id, customer_id, status, state, created_at, updated_at, started_at, finished_at)
	SELECT ${id('job')}, 'tenants.create', ${id('tenant')}, ${id('customer')}, 'succeeded', '{}', ${CREATED}, ${CREATED},
		${CREATED}, ${CREATED} + interval '90 seconds' + (n % 60) * interval '1 second'
	FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`,

	`INSERT INTO provisioning_steps (id, job_id, customer_id, position, name, status, attempts, started_at, finished_at)
	SELECT md5('bench-step-' || n || '-' || step.position)::uuid, ${id('job')}, ${id('customer')}, step.position - 1, step.name, 'done', 1,
		${CREATED} + (step.position - 1) * interval '15 seconds', ${CREATED} + step.position * interval '15 seconds'
	FROM generate_series(1, $1) n, unnest(ARRAY['${STEPS.join("','")}']) WITH ORDINALITY step (name, position) ON CONFLICT DO NOTHING`,

	`INSERT INTO invoices (id, customer_id, subscription_id, number, status, currency, subtotal, total, amount_paid, issued_at, paid_at, created_at, updated_at)
	SELECT ${id('invoice')}, ${id('customer')}, ${id('subscription')}, 'B-' || n, 'paid', 'usd', 4900, 4900, 4900, ${CREATED}, ${CREATED}, ${CREATED}, ${CREATED}
	FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`,

	`INSERT INTO stripe_events (id, event_id, event_type, stripe_customer_id, processed, outcome, payload, created_at, received_at, processed_at)
	SELECT ${id('event')}, 'evt_bench' || n, 'invoice.paid', 'cus_bench' || n, true, 'applied',
		jsonb_build_object('data', jsonb_build_object('object', jsonb_build_object('object', 'invoice', 'amount_paid', 4900, 'currency', 'usd'))),
		${CREATED}, ${CREATED}, ${CREATED}
	FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`
];

/** Tables that the rows above go to. */
const TABLES = [
	...['customers', 'subscriptions', 'mrr_movements', 'tenant_deployments', 'provisioning_jobs'],
	...['provisioning_steps', 'invoices', 'stripe_events']
];

/**
 * Fills the database until it has `tenants` generated tenants. What an earlier call made is kept, at the dates of that
 * call, so that calls go from few to many.
 */
export async function generateTenants(databaseUrl: string, tenants: number): Promise<void> {
	const client = new pg.Client({ connectionString: databaseUrl });
	await client.connect();
	try {
		for (const insert of INSERTS) await client.query(insert, [tenants]);
		// What autovacuum would have done long ago: statistics, and pages known to be all visible.
		for (const table of TABLES) await client.query(`VACUUM ANALYZE ${table}`);
	} finally {
		await client.end();
	}
}
