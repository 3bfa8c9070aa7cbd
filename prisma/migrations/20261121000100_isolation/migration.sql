-- What Prisma's schema cannot say: uniqueness among live rows, append-only history, partitions, and row-level
-- security. The reasons are in docs/decisions/005-row-level-security.md.

-- Uniqueness among live rows -------------------------------------------------------------------------------------

CREATE UNIQUE INDEX "provisioning_jobs_unfinished_key" ON "provisioning_jobs" ("subject_id")
	WHERE "status" IN ('queued', 'running', 'waiting', 'compensating');
CREATE UNIQUE INDEX "checkout_sessions_open_key" ON "checkout_sessions" ("signup_id") WHERE "status" = 'open';
CREATE UNIQUE INDEX "tenant_deployments_live_slug_key" ON "tenant_deployments" ("subdomain")
	WHERE "status" NOT IN ('deleted', 'refunded');
CREATE UNIQUE INDEX "tenant_deployments_live_database_key" ON "tenant_deployments" ("database_name")
	WHERE "status" NOT IN ('deleted', 'refunded');
CREATE UNIQUE INDEX "lxc_containers_live_vmid_key" ON "lxc_containers" ("cluster_id", "vmid") WHERE "status" <> 'deleted';
CREATE UNIQUE INDEX "plans_sold_key" ON "plans" ("key") WHERE "replaced_at" IS NULL;
CREATE UNIQUE INDEX "base_domains_default_key" ON "base_domains" ("is_default") WHERE "is_default";
CREATE UNIQUE INDEX "alerts_open_key" ON "alerts" ("rule", "subject_type", "subject_id") WHERE "closed_at" IS NULL;
CREATE UNIQUE INDEX "dns_records_live_key" ON "dns_records" ("zone_id", "name", "type") WHERE "deleted_at" IS NULL;

ALTER TABLE "users" ADD CONSTRAINT "users_email_folded" CHECK ("email" = lower("email"));

-- Fast search over what lists show -------------------------------------------------------------------------------

CREATE INDEX "customers_search_trgm" ON "customers"
	USING gin ((lower("company_name" || ' ' || "full_name" || ' ' || "email")) gin_trgm_ops);

-- Append-only history --------------------------------------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER mrr_movements_append_only BEFORE UPDATE OR DELETE ON "mrr_movements"
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The sealing job may set sequence and hashes of a row that has none; nothing else of a row ever changes.
CREATE FUNCTION audit_only_sealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.sequence IS NOT NULL
		OR (to_jsonb(NEW) - '{sequence,previous_hash,hash}'::text[]) IS DISTINCT FROM (to_jsonb(OLD) - '{sequence,previous_hash,hash}'::text[])
	THEN
		RAISE EXCEPTION 'audit_log is append-only';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION audit_only_sealing();
CREATE INDEX "audit_log_unsealed" ON "audit_log" ("id") WHERE "sequence" IS NULL;

-- Metrics by day ---------------------------------------------------------------------------------------------------

CREATE TABLE "resource_metrics_default" PARTITION OF "resource_metrics" DEFAULT;

-- Makes the partition of a day; rows of a day without one go to the default partition.
CREATE FUNCTION ensure_metric_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name text := 'resource_metrics_' || to_char(day, 'YYYYMMDD');
BEGIN
	EXECUTE format(
		'CREATE TABLE IF NOT EXISTS %I PARTITION OF resource_metrics FOR VALUES FROM (%L) TO (%L)',
		name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
	);
END $$;

-- Row-level security -----------------------------------------------------------------------------------------------

DO $$
BEGIN
	-- Roles belong to the server, not to the database: another database may have made it already.
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'erp_tenant') THEN
		CREATE ROLE erp_tenant NOLOGIN;
	END IF;
END $$;
-- Without it an owner who is no superuser may not switch to the role.
DO $$ BEGIN EXECUTE format('GRANT erp_tenant TO %I WITH SET TRUE, INHERIT FALSE', current_user); END $$;

CREATE FUNCTION app_customer_id() RETURNS uuid LANGUAGE sql STABLE
	AS $$ SELECT nullif(current_setting('app.customer_id', true), '')::uuid $$;
CREATE FUNCTION app_user_id() RETURNS uuid LANGUAGE sql STABLE
	AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;

GRANT USAGE ON SCHEMA public TO erp_tenant;

-- Tables whose rows belong to a customer, all readable by it alone.
DO $$
DECLARE
	owned text;
BEGIN
	FOREACH owned IN ARRAY ARRAY[
		'memberships', 'subscriptions', 'invoices', 'invoice_lines', 'payment_attempts', 'refunds', 'credit_notes',
		'tenant_deployments', 'provisioning_jobs', 'provisioning_steps', 'backups', 'notifications', 'resource_metrics',
		'email_messages', 'mrr_movements', 'vendor_calls', 'log_entries', 'audit_log', 'signups', 'dns_records', 'api_tokens'
	] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
		EXECUTE format('CREATE POLICY own_rows ON %I TO erp_tenant USING (customer_id = app_customer_id())', owned);
	END LOOP;
END $$;

ALTER TABLE "customers" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "customers" TO erp_tenant USING (id = app_customer_id());
ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
CREATE POLICY colleagues ON "users" FOR SELECT TO erp_tenant
	USING (EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.customer_id = app_customer_id()));
CREATE POLICY oneself ON "users" FOR UPDATE TO erp_tenant USING (id = app_user_id());
ALTER TABLE "sessions" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "sessions" TO erp_tenant USING (user_id = app_user_id() AND side = 'customer');

-- What a member sees of another member's notifications: nothing.
CREATE POLICY to_me ON "notifications" AS RESTRICTIVE TO erp_tenant USING (user_id IS NULL OR user_id = app_user_id());

-- Whole tables: secrets, platform notes and vendor calls stay out of reach because nothing grants them.
GRANT SELECT ON "memberships", "subscriptions", "invoices", "invoice_lines", "payment_attempts", "refunds", "credit_notes",
	"tenant_deployments", "provisioning_jobs", "provisioning_steps", "backups", "notifications", "resource_metrics",
	"plans", "plan_prices", "roles" TO erp_tenant;
GRANT SELECT ("id", "company_name", "full_name", "email", "phone", "country", "tax_id", "locale", "status", "version", "created_at", "updated_at")
	ON "customers" TO erp_tenant;
GRANT SELECT ("id", "email", "full_name", "locale", "timezone", "status", "last_login_at", "created_at") ON "users" TO erp_tenant;
GRANT UPDATE ("full_name", "locale", "timezone", "updated_at") ON "users" TO erp_tenant;
GRANT SELECT ("id", "user_id", "side", "customer_id", "ip", "user_agent", "created_at", "last_seen_at", "expires_at")
	ON "sessions" TO erp_tenant;
GRANT UPDATE ("read_at") ON "notifications" TO erp_tenant;
GRANT SELECT ("id", "name") ON "base_domains" TO erp_tenant;
GRANT SELECT ("id", "at", "actor_kind", "actor_label", "customer_id", "action", "subject_type", "subject_id") ON "audit_log" TO erp_tenant;
