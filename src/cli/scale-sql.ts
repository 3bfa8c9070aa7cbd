/**
 * The rows of `npm run seed:scale`, written by PostgreSQL itself. Everything hangs on the number of a customer or
 * subscription, so that two runs write the same and a larger run continues a smaller one. `$lo` to `$hi` are the customers
 * of this run; a fifth of them have two subscriptions.
 */

const YEARS = 5;
/** Arrivals grow by e^2.2, ninefold, in that time. */
const GROWTH = 2.2;

/** Fractions from 0 to 1, the same for the same numbers; ids in order of time, as the product's own. */
export const FUNCTIONS = [
	`CREATE FUNCTION pg_temp.chance(n bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$ SELECT (hashint8extended(n, k) & 4503599627370495)::float8 / 4503599627370496.0 $$`,
	`CREATE FUNCTION pg_temp.id7(at timestamptz, name text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(name), 1, 3) || '8' || substr(md5(name), 5, 15))::uuid $$`,
	// Seats become more in the long run; what is booked beside them goes up and down, never the same twice in a row.
	`CREATE FUNCTION pg_temp.units(n bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$ SELECT greatest(1, floor((1 + 14 * power(pg_temp.chance(n, 5), 4)) * (1 + 0.003 * k)))
		+ (k % 2) * 0.03 * (1 + floor(3 * pg_temp.chance(n * 131 + k, 6))) $$`
];

/** Temporary tables: who there is, what happens to them, and everything that moves. */
export const SIMULATION = [
	`CREATE TEMP TABLE sim_customer ON COMMIT DROP AS
	SELECT n, pg_temp.id7(created, 'scale-customer-' || n) AS id, created, country,
		CASE WHEN country = 'CL' THEN 'clp' WHEN country = 'ES' THEN 'eur' ELSE 'usd' END AS currency,
		CASE WHEN country = 'CL' THEN 9.5 WHEN country = 'ES' THEN 0.92 ELSE 1 END::float8 AS rate
	FROM (
		SELECT n, date_trunc('milliseconds', now() - interval '1 day' - (1 - since) * interval '${YEARS} years') AS created,
			(ARRAY['EC','EC','EC','EC','EC','EC','EC','CO','CO','CO','PE','PE','CL','CL','MX','MX','AR','PA','DO','ES','US','CR','EC','CO'])
				[1 + floor(24 * pg_temp.chance(n, 2))::int] AS country
		FROM (
			-- Exponential growth, with a quiet middle of every year.
			SELECT n, greatest(0, least(1, grown + 0.012 * sin(2 * pi() * grown * ${YEARS}))) AS since
			FROM (SELECT n, ln(1 + pg_temp.chance(n, 1) * (exp(${GROWTH}) - 1)) / ${GROWTH} AS grown
				FROM generate_series($lo::bigint, $hi::bigint) n) arrival
		) calendar
	) placed`,
	`CREATE INDEX ON sim_customer (n)`,

	`CREATE TEMP TABLE sim_plan ON COMMIT DROP AS
	SELECT row_number() OVER (ORDER BY position) - 1 AS level, plan.id, key, isolation, price.amount
	FROM plans plan JOIN plan_prices price ON price.plan_id = plan.id AND price.interval = 'month' AND price.currency = 'usd'
	WHERE replaced_at IS NULL`,

	`CREATE TEMP TABLE sim_sub ON COMMIT DROP AS
	WITH numbered AS (
		SELECT n, n AS owner FROM generate_series($lo::bigint, $hi::bigint) n
		UNION ALL
		-- Somebody's second one: six subscriptions for five customers, less those whose trial has not ended.
		SELECT 1000000000 + n, n FROM generate_series($lo::bigint, $hi::bigint) n WHERE pg_temp.chance(n, 20) < 0.226
	), begun AS (
		SELECT numbered.n, owner, customer.id AS customer_id, customer.currency, customer.rate, customer.country,
			customer.created + CASE WHEN numbered.n = owner THEN interval '1 hour'
				-- Of a young customer some time between then and now.
				ELSE least(interval '40 days' + pg_temp.chance(owner, 21) * interval '400 days',
					interval '1 hour' + (1 - pg_temp.chance(owner, 21)) * (now() - interval '2 hours' - customer.created)) END AS created,
			CASE WHEN pg_temp.chance(numbered.n, 3) < 0.58 THEN 0 WHEN pg_temp.chance(numbered.n, 3) < 0.92 THEN 1 ELSE 2 END AS level,
			pg_temp.chance(numbered.n, 4) < 0.35 AS tried,
			pg_temp.chance(numbered.n, 8) < 0.06 AS stayed_away
		FROM numbered JOIN sim_customer customer ON customer.n = owner
	), lived AS (
		SELECT *, created + CASE WHEN tried THEN interval '14 days' ELSE interval '0' END AS started,
			-ln(1 - pg_temp.chance(n, 7)) / (ARRAY[0.034, 0.022, 0.012])[level + 1] * interval '30.4 days' AS life
		FROM begun
	), ended AS (
		SELECT *, CASE WHEN started + life < now() THEN started + life END AS ended_at FROM lived
	)
	SELECT *, pg_temp.id7(created, 'scale-subscription-' || n) AS id,
		-- One of eight who left comes back.
		CASE WHEN ended_at IS NOT NULL AND pg_temp.chance(n, 9) < 0.125 AND ended_at + interval '60 days' < now()
			THEN ended_at + interval '30 days' + pg_temp.chance(n, 10) * (now() - ended_at - interval '40 days') END AS back_at,
		-- One of ten moves up a plan some day.
		CASE WHEN pg_temp.chance(n, 11) < 0.1 AND level < 2 THEN 3 + floor(20 * pg_temp.chance(n, 13))::int END AS up_at,
		false AS yearly, NULL::float8 AS gap
	FROM ended WHERE started < now()`,

	// Who tried it and did not stay is worth nothing, ever.
	`UPDATE sim_sub SET stayed_away = false WHERE NOT tried`,

	// Seconds between two changes, so that there are as many as were asked for.
	`UPDATE sim_sub SET gap = average * (0.5 + pg_temp.chance(n, 14))
	FROM (SELECT sum(extract(epoch FROM coalesce(ended_at, now()) - started + coalesce(now() - back_at, interval '0')))
			/ greatest(1, $movements::float8 - count(*) * 1.7) * 1.07 AS average
		FROM sim_sub WHERE NOT stayed_away) whole`,

	// As many by the year as it takes for the invoices that were asked for.
	`UPDATE sim_sub SET yearly = pg_temp.chance(n, 12) < (
		SELECT greatest(0.05, least(0.9, (1 - $invoices::float8 / greatest(1, sum(extract(epoch FROM coalesce(ended_at, now()) - started
			+ coalesce(now() - back_at, interval '0'))) / (30.44 * 86400) + count(*) * 0.5)) / (1 - 1 / 12.0)))
		FROM sim_sub WHERE NOT stayed_away)`,
	`CREATE INDEX ON sim_sub (n)`,

	`CREATE TEMP TABLE sim_move ON COMMIT DROP AS
	WITH life AS (
		SELECT n, owner, 0 AS first, started AS since, coalesce(ended_at, now()) AS upto, gap FROM sim_sub WHERE NOT stayed_away
		UNION ALL
		SELECT n, owner, 4000, back_at, now(), gap FROM sim_sub WHERE back_at IS NOT NULL AND NOT stayed_away
	), changes AS (
		SELECT n, owner, first + k AS k, since + k * gap * interval '1 second' AS at
		FROM life, generate_series(0, floor((extract(epoch FROM upto - since) - 1) / gap)::int) k
		UNION ALL
		SELECT n, owner, NULL, ended_at FROM sim_sub WHERE ended_at IS NOT NULL AND NOT stayed_away
	)
	SELECT changes.n, changes.owner, date_trunc('milliseconds', changes.at) AS at, plan.key AS plan_key, plan.level,
		CASE WHEN k IS NULL THEN 0 ELSE round(plan.amount * sub.rate * pg_temp.units(changes.n, k))::int END AS worth,
		CASE WHEN k IS NULL THEN 0 ELSE floor(pg_temp.units(changes.n, k))::int END AS seats
	FROM changes JOIN sim_sub sub ON sub.n = changes.n
	JOIN sim_plan plan ON plan.level = sub.level + CASE WHEN k >= sub.up_at THEN 1 ELSE 0 END`
];

const AMOUNT = `worth - lag(worth, 1, 0) OVER (PARTITION BY n ORDER BY at, worth)`;

/** The tables, in the order of their references. */
export const INSERTS: { table: string; sql: string }[] = [
	{
		table: 'customers',
		sql: `INSERT INTO customers (id, company_name, full_name, email, country, stripe_customer_id, status, plan_key, first_paid_at, created_at, updated_at)
	SELECT id, initcap((ARRAY['comercial','ferretería','agrícola','logística','textiles','farmacia','importadora','clínica','constructora','panadería'])
			[1 + floor(10 * pg_temp.chance(n, 30))::int]) || ' ' || initcap((ARRAY['andes','pacífico','del sol','real','los ríos','costa','sierra','central','nueva','moderna'])
			[1 + floor(10 * pg_temp.chance(n, 31))::int]) || ' ' || n,
		(ARRAY['Ana','Luis','Carla','Jorge','María','Pedro','Lucía','Diego'])[1 + floor(8 * pg_temp.chance(n, 32))::int] || ' ' ||
		(ARRAY['Vera','Mora','Paz','Ríos','Solís','Luna','Castro','Vega'])[1 + floor(8 * pg_temp.chance(n, 33))::int],
		'persona' || n || '@escala' || n || '.example', country, 'cus_scale' || n,
		(CASE WHEN live.key IS NOT NULL THEN 'active' WHEN first.at IS NULL THEN 'pending' ELSE 'inactive' END)::customer_status,
		live.key, first.at, created, created
	FROM sim_customer
	LEFT JOIN (SELECT owner, min(at) AS at FROM sim_move GROUP BY owner) first ON first.owner = sim_customer.n
	LEFT JOIN (
		SELECT DISTINCT ON (sub.owner) sub.owner, plan_key AS key
		FROM (SELECT DISTINCT ON (n) n, worth, plan_key FROM sim_move ORDER BY n, at DESC, worth) last
		JOIN sim_sub sub ON sub.n = last.n WHERE worth > 0 ORDER BY sub.owner, sub.created DESC
	) live ON live.owner = sim_customer.n
	ORDER BY created`
	},
	{
		table: 'subscriptions',
		sql: `INSERT INTO subscriptions (id, customer_id, plan_id, billing_mode, stripe_subscription_id, stripe_status, status, currency, amount, interval, quantity,
		mrr, current_period_start, current_period_end, paid_through, trial_start, trial_end, past_due_since, cancelled_at, created_at, updated_at)
	SELECT sub.id, sub.customer_id, plan.id, 'stripe', 'sub_scale' || sub.n, CASE WHEN live THEN CASE WHEN late THEN 'past_due' ELSE 'active' END ELSE 'canceled' END,
		(CASE WHEN live THEN CASE WHEN late THEN 'past_due' ELSE 'active' END ELSE 'cancelled' END)::subscription_status, sub.currency,
		coalesce(last.worth, round(plan.amount * sub.rate)) * CASE WHEN sub.yearly THEN 12 ELSE 1 END,
		(CASE WHEN sub.yearly THEN 'year' ELSE 'month' END)::price_interval, greatest(1, coalesce(last.seats, 1)), coalesce(last.worth, 0),
		period, period + every, period + every, CASE WHEN sub.tried THEN sub.created END, CASE WHEN sub.tried THEN sub.started END,
		CASE WHEN live AND late THEN now() - pg_temp.chance(sub.n, 16) * interval '20 days' END,
		CASE WHEN NOT live THEN coalesce(sub.ended_at, sub.started) END, sub.created, sub.created
	FROM sim_sub sub
	LEFT JOIN (SELECT DISTINCT ON (n) n, worth, seats, level FROM sim_move ORDER BY n, at DESC, worth) last ON last.n = sub.n
	JOIN sim_plan plan ON plan.level = coalesce(last.level, sub.level),
	LATERAL (SELECT coalesce(last.worth, 0) > 0 AS live, pg_temp.chance(sub.n, 15) < 0.025 AS late,
		CASE WHEN sub.yearly THEN interval '1 year' ELSE interval '1 month' END AS every, coalesce(sub.back_at, sub.started) AS origin) state,
	LATERAL (SELECT origin + every * floor(extract(epoch FROM now() - origin) / extract(epoch FROM every))::int AS period) billed
	ORDER BY sub.created`
	},
	{
		table: 'mrr_movements',
		sql: `INSERT INTO mrr_movements (id, customer_id, subscription_id, kind, amount, currency, plan_key, customers, at)
	SELECT pg_temp.id7(move.at, 'scale-move-' || move.n || '-' || move.at), sub.customer_id, sub.id,
		(CASE WHEN worth = 0 THEN 'churn' WHEN worth > amount THEN CASE WHEN amount > 0 THEN 'expansion' ELSE 'contraction' END
			WHEN after > amount THEN 'expansion' WHEN place = 1 THEN 'new' ELSE 'reactivation' END)::movement_kind,
		amount, sub.currency, plan_key, (after > 0)::int - (after - amount > 0)::int, move.at
	FROM (
		SELECT *, sum(amount) OVER owned AS after, row_number() OVER owned AS place
		FROM (SELECT n, owner, at, plan_key, worth, ${AMOUNT} AS amount FROM sim_move) stepped
		WHERE amount <> 0 WINDOW owned AS (PARTITION BY owner ORDER BY at, n)
	) move JOIN sim_sub sub ON sub.n = move.n
	ORDER BY move.at`
	},
	{
		table: 'invoices',
		sql: `INSERT INTO invoices (id, customer_id, subscription_id, stripe_invoice_id, number, status, billing_reason, currency, subtotal, tax, total, amount_paid,
		amount_remaining, attempt_count, refunded_amount, period_start, period_end, issued_at, due_at, paid_at, plan_key, country, created_at, updated_at)
	SELECT pg_temp.id7(issued, 'scale-invoice-' || n || '-' || j), customer_id, id, 'in_scale' || n || '_' || j, 'E' || upper(to_hex(n)) || '-' || lpad((j % 4000)::text, 4, '0'),
		state, CASE WHEN j % 4000 = 0 THEN 'subscription_create' ELSE 'subscription_cycle' END, currency, subtotal, tax, subtotal + tax,
		CASE WHEN state = 'paid' THEN subtotal + tax ELSE 0 END, CASE WHEN state IN ('open', 'uncollectible') THEN subtotal + tax ELSE 0 END,
		CASE WHEN state = 'paid' THEN 1 + (luck < 0.06)::int ELSE 2 END, CASE WHEN state = 'paid' AND luck > 0.992 THEN subtotal + tax ELSE 0 END,
		issued, issued + every, issued, issued + interval '3 days',
		CASE WHEN state = 'paid' THEN least(now(), issued + CASE WHEN luck < 0.06 THEN luck * interval '100 days' ELSE luck * interval '1 hour' END) END,
		plan_key, country, issued, issued
	FROM (
		SELECT sub.n, sub.id, sub.customer_id, sub.currency, sub.country, plan.key AS plan_key, segment.first + j AS j, every, luck,
			date_trunc('milliseconds', segment.since + j * every) AS issued, money.subtotal,
			round(money.subtotal * (CASE sub.country WHEN 'EC' THEN 0.15 WHEN 'CO' THEN 0.19 WHEN 'CL' THEN 0.19 WHEN 'PE' THEN 0.18 WHEN 'MX' THEN 0.16
				WHEN 'AR' THEN 0.21 WHEN 'ES' THEN 0.21 WHEN 'DO' THEN 0.18 WHEN 'CR' THEN 0.13 WHEN 'PA' THEN 0.07 ELSE 0 END)::numeric)::int AS tax,
			CASE WHEN luck > 0.988 AND luck <= 0.992 THEN 'void'
				WHEN segment.since + (j + 1) * every > segment.upto AND sub.ended_at IS NOT NULL AND luck < 0.3 AND segment.first = 0 THEN 'uncollectible'
				WHEN segment.since + j * every > now() - interval '12 days' AND luck < 0.08 THEN 'open' ELSE 'paid' END AS state
		FROM sim_sub sub,
		LATERAL (VALUES (0, sub.started, coalesce(sub.ended_at, now())), (4000, sub.back_at, now())) segment (first, since, upto),
		LATERAL (SELECT CASE WHEN sub.yearly THEN interval '1 year' ELSE interval '1 month' END AS every) billed,
		LATERAL generate_series(0, floor(extract(epoch FROM segment.upto - segment.since) / extract(epoch FROM every))::int) j,
		LATERAL (SELECT segment.first + floor(extract(epoch FROM segment.since + j * every - segment.since) / sub.gap)::int AS k,
			pg_temp.chance(sub.n * 100 + segment.first + j, 17) AS luck) moment,
		LATERAL (SELECT * FROM sim_plan WHERE sim_plan.level = sub.level + CASE WHEN k >= sub.up_at THEN 1 ELSE 0 END) plan,
		LATERAL (SELECT round(plan.amount * sub.rate * pg_temp.units(sub.n, k))::int * CASE WHEN sub.yearly THEN 12 ELSE 1 END AS subtotal) money
		WHERE segment.since IS NOT NULL AND NOT sub.stayed_away AND segment.since + j * every < segment.upto
	) issued_invoices
	ORDER BY issued`
	},
	{
		table: 'invoice_lines',
		sql: `INSERT INTO invoice_lines (id, customer_id, invoice_id, stripe_line_id, position, description, quantity, amount, currency, proration, period_start, period_end)
	SELECT pg_temp.id7(issued_at, 'scale-line-' || stripe_invoice_id || part.position), customer_id, invoice.id, 'il_' || substr(stripe_invoice_id, 4) || '_' || part.position,
		part.position, CASE part.position WHEN 0 THEN initcap(invoice.plan_key) ELSE 'Usuarios añadidos, prorrateado' END, 1, part.amount, invoice.currency,
		part.position = 1, period_start, period_end
	FROM invoices invoice JOIN sim_customer customer ON customer.id = invoice.customer_id,
	-- One of twelve has a line for what was added in between; the lines add up.
	LATERAL (SELECT CASE WHEN invoice.subtotal % 12 = 0 THEN invoice.subtotal / 7 ELSE 0 END AS added) split,
	LATERAL (VALUES (0, invoice.subtotal - added), (1, added)) part (position, amount)
	WHERE part.position = 0 OR added > 0`
	},
	{
		table: 'payment_attempts',
		sql: `INSERT INTO payment_attempts (id, customer_id, invoice_id, stripe_payment_intent_id, stripe_charge_id, status, amount, currency, decline_code, advice_code, message, at)
	SELECT pg_temp.id7(issued_at, 'scale-attempt-' || stripe_invoice_id), customer_id, invoice.id, 'pi_' || substr(stripe_invoice_id, 4), 'ch_' || substr(stripe_invoice_id, 4),
		'failed', total, invoice.currency, 'insufficient_funds', 'try_again_later', 'Your card has insufficient funds.', issued_at
	FROM invoices invoice JOIN sim_customer customer ON customer.id = invoice.customer_id WHERE attempt_count > 1`
	},
	{
		table: 'refunds',
		sql: `INSERT INTO refunds (id, customer_id, invoice_id, stripe_refund_id, amount, currency, status, reason, created_at, updated_at)
	SELECT pg_temp.id7(paid_at, 'scale-refund-' || stripe_invoice_id), customer_id, invoice.id, 're_' || substr(stripe_invoice_id, 4), refunded_amount, invoice.currency,
		'succeeded', 'requested_by_customer', least(now(), paid_at + interval '2 days'), paid_at
	FROM invoices invoice JOIN sim_customer customer ON customer.id = invoice.customer_id WHERE refunded_amount > 0`
	},
	{
		table: 'tenant_deployments',
		sql: `INSERT INTO tenant_deployments (id, customer_id, subscription_id, plan_id, base_domain_id, subdomain, database_name, isolation, status, created_at,
		updated_at, queued_at, activated_at, deleted_at)
	SELECT pg_temp.id7(sub.created, 'scale-tenant-' || sub.n), sub.customer_id, sub.id, row.plan_id, domain.id, 'escala-' || to_hex(sub.n), 'escala_' || to_hex(sub.n),
		plan.isolation, (CASE row.status WHEN 'cancelled' THEN 'deleted' WHEN 'past_due' THEN CASE WHEN pg_temp.chance(sub.n, 18) < 0.2 THEN 'suspended' ELSE 'active' END
			ELSE CASE WHEN pg_temp.chance(sub.n, 18) < 0.002 THEN 'degraded' ELSE 'active' END END)::tenant_status,
		sub.created, sub.created, sub.created, sub.created + interval '90 seconds', CASE WHEN row.status = 'cancelled' THEN row.cancelled_at + interval '7 days' END
	FROM sim_sub sub JOIN subscriptions row ON row.id = sub.id JOIN plans plan ON plan.id = row.plan_id,
		(SELECT id FROM base_domains ORDER BY is_default DESC LIMIT 1) domain`
	},
	{
		table: 'custom_domains',
		// Nobody has them: they are never looked at, so that no DNS is asked for names that do not exist.
		sql: `INSERT INTO custom_domains (id, customer_id, tenant_deployment_id, external_domain, driver, verification_status, verification_name,
		verification_token, verified_at, routed_at, ssl_status, certificate_issuer, certificate_expires_at, published, is_primary, checked_at, next_check_at,
		activated_at, created_at, updated_at)
	SELECT pg_temp.id7(added, 'scale-domain-' || n), customer_id, id, domain, 'custom_hostname', state::custom_domain_status, '_erp-verify.' || domain,
		'erp-verify=' || md5('scale-token-' || n), CASE WHEN state <> 'pending' THEN added END, CASE WHEN state <> 'pending' THEN added END,
		(CASE state WHEN 'pending' THEN 'none' WHEN 'error' THEN 'error' ELSE 'active' END)::domain_certificate, CASE WHEN state <> 'pending' THEN 'google' END,
		CASE WHEN state IN ('active', 'inactive') THEN now() + interval '2 days' + pg_temp.chance(n, 21) * interval '88 days' END, state = 'active',
		state = 'active' AND pg_temp.chance(n, 22) < 0.4, now(), NULL, CASE WHEN state <> 'pending' THEN added + interval '10 minutes' END, added, added
	FROM (
		SELECT sub.n, tenant.id, tenant.customer_id, 'erp.' || tenant.subdomain || '.example' AS domain,
			least(now(), tenant.created_at + interval '1 day') AS added,
			CASE WHEN luck < 0.01 THEN 'error' WHEN luck < 0.04 THEN 'pending' WHEN luck < 0.05 THEN 'inactive' ELSE 'active' END AS state
		FROM sim_sub sub JOIN tenant_deployments tenant ON tenant.subscription_id = sub.id, LATERAL (SELECT pg_temp.chance(sub.n, 20) AS luck) chance
		WHERE tenant.status <> 'deleted'
	) claimed`
	},
	{
		table: 'stripe_events',
		sql: `INSERT INTO stripe_events (id, event_id, event_type, stripe_customer_id, processed, outcome, payload, created_at, received_at, processed_at)
	SELECT pg_temp.id7(coalesce(paid_at, issued_at), 'scale-event-' || stripe_invoice_id), 'evt_' || substr(stripe_invoice_id, 4),
		CASE invoice.status WHEN 'paid' THEN 'invoice.paid' ELSE 'invoice.payment_failed' END, 'cus_scale' || customer.n, true, 'applied',
		jsonb_build_object('id', 'evt_' || substr(stripe_invoice_id, 4), 'object', 'event', 'data', jsonb_build_object('object',
			jsonb_build_object('object', 'invoice', 'id', stripe_invoice_id, 'customer', 'cus_scale' || customer.n, 'amount_paid', amount_paid, 'currency', invoice.currency))),
		coalesce(paid_at, issued_at), coalesce(paid_at, issued_at), coalesce(paid_at, issued_at)
	FROM invoices invoice JOIN sim_customer customer ON customer.id = invoice.customer_id WHERE issued_at > now() - interval '90 days'`
	}
];
