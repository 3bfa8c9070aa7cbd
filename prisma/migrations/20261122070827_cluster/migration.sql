-- CreateEnum
CREATE TYPE "container_act_status" AS ENUM ('queued', 'running', 'succeeded', 'failed');

-- CreateEnum
CREATE TYPE "webhook_delivery_status" AS ENUM ('queued', 'delivered', 'failed');

-- AlterTable
ALTER TABLE "alerts" ADD COLUMN     "escalated_at" TIMESTAMPTZ(3),
ADD COLUMN     "muted_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "lxc_containers" DROP COLUMN "net_in_bytes",
DROP COLUMN "net_out_bytes",
ADD COLUMN     "adopted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "databases" JSONB,
ADD COLUMN     "postgres_container_id" UUID,
ADD COLUMN     "postgres_role" TEXT,
ADD COLUMN     "root_volume" TEXT,
ADD COLUMN     "wanted_running" BOOLEAN NOT NULL DEFAULT true;

-- AlterTable
ALTER TABLE "proxmox_clusters" ALTER COLUMN "template_vmid" DROP NOT NULL;

-- AlterTable
ALTER TABLE "proxmox_nodes" ADD COLUMN     "api_certificate_expires_at" TIMESTAMPTZ(3),
ADD COLUMN     "clock_skew_ms" INTEGER,
ADD COLUMN     "halted_at" TIMESTAMPTZ(3),
ADD COLUMN     "halted_by" TEXT,
ADD COLUMN     "halted_reason" TEXT,
ADD COLUMN     "health" JSONB,
ADD COLUMN     "maintenance_reason" TEXT,
ADD COLUMN     "maintenance_since" TIMESTAMPTZ(3),
ADD COLUMN     "misses" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "offline_since" TIMESTAMPTZ(3),
ADD COLUMN     "probed_until" TIMESTAMPTZ(3),
ADD COLUMN     "removed_at" TIMESTAMPTZ(3),
ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "resource_metrics" ADD COLUMN     "tenants" INTEGER;

-- CreateTable
CREATE TABLE "node_storages" (
    "node_id" UUID NOT NULL,
    "storage" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "content" TEXT[],
    "shared" BOOLEAN NOT NULL,
    "active" BOOLEAN NOT NULL,
    "total_gb" DOUBLE PRECISION NOT NULL,
    "used_gb" DOUBLE PRECISION NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "node_storages_pkey" PRIMARY KEY ("node_id","storage")
);

-- CreateTable
CREATE TABLE "node_enrolments" (
    "id" UUID NOT NULL,
    "api_url" TEXT NOT NULL,
    "api_token" TEXT NOT NULL,
    "ssh_host" TEXT NOT NULL,
    "ssh_port" INTEGER NOT NULL DEFAULT 22,
    "ssh_user" TEXT NOT NULL DEFAULT 'root',
    "api_fingerprint" TEXT,
    "ssh_host_key" TEXT,
    "certificate" JSONB,
    "confirmed_at" TIMESTAMPTZ(3),
    "findings" JSONB,
    "ssh_findings" JSONB,
    "error" TEXT,
    "node_id" UUID,
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "node_enrolments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ignored_guests" (
    "cluster_id" UUID NOT NULL,
    "vmid" INTEGER NOT NULL,
    "hostname" TEXT NOT NULL,
    "by_label" TEXT NOT NULL,
    "note" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ignored_guests_pkey" PRIMARY KEY ("cluster_id","vmid")
);

-- CreateTable
CREATE TABLE "container_acts" (
    "id" UUID NOT NULL,
    "container_id" UUID NOT NULL,
    "act" TEXT NOT NULL,
    "params" JSONB NOT NULL DEFAULT '{}',
    "status" "container_act_status" NOT NULL DEFAULT 'queued',
    "begun" JSONB,
    "task_upid" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "container_acts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "console_sessions" (
    "id" UUID NOT NULL,
    "ticket_hash" TEXT NOT NULL,
    "user_id" UUID NOT NULL,
    "login_id" TEXT NOT NULL,
    "user_label" TEXT NOT NULL,
    "node_id" UUID NOT NULL,
    "container_id" UUID,
    "vmid" INTEGER,
    "via" TEXT,
    "ip" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "opened_at" TIMESTAMPTZ(3),
    "seen_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "end_reason" TEXT,

    CONSTRAINT "console_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "metric_counters" (
    "subject_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "net_in_bytes" BIGINT,
    "net_out_bytes" BIGINT,
    "answered" INTEGER,
    "latency_sum_ms" INTEGER,

    CONSTRAINT "metric_counters_pkey" PRIMARY KEY ("subject_id")
);

-- CreateTable
CREATE TABLE "resource_metrics_hourly" (
    "subject_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "customer_id" UUID,
    "samples" INTEGER NOT NULL,
    "cpu_avg" DOUBLE PRECISION,
    "cpu_max" DOUBLE PRECISION,
    "ram_avg_mb" DOUBLE PRECISION,
    "ram_max_mb" INTEGER,
    "disk_max_gb" DOUBLE PRECISION,
    "network_in_kb" DOUBLE PRECISION,
    "network_out_kb" DOUBLE PRECISION,
    "latency_avg_ms" DOUBLE PRECISION,
    "latency_max_ms" INTEGER,
    "tenants_max" INTEGER,

    CONSTRAINT "resource_metrics_hourly_pkey" PRIMARY KEY ("subject_id","at")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "resource_metrics_daily" (
    "subject_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "customer_id" UUID,
    "samples" INTEGER NOT NULL,
    "cpu_avg" DOUBLE PRECISION,
    "cpu_max" DOUBLE PRECISION,
    "ram_avg_mb" DOUBLE PRECISION,
    "ram_max_mb" INTEGER,
    "disk_max_gb" DOUBLE PRECISION,
    "network_in_kb" DOUBLE PRECISION,
    "network_out_kb" DOUBLE PRECISION,
    "latency_avg_ms" DOUBLE PRECISION,
    "latency_max_ms" INTEGER,
    "tenants_max" INTEGER,

    CONSTRAINT "resource_metrics_daily_pkey" PRIMARY KEY ("subject_id","at")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "alert_rules" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "threshold" DOUBLE PRECISION,
    "samples" INTEGER NOT NULL DEFAULT 3,
    "hysteresis" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "severity" "alert_severity" NOT NULL,
    "critical_at" DOUBLE PRECISION,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "channels" TEXT[],
    "built_in" BOOLEAN NOT NULL DEFAULT false,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "alert_rules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alert_silences" (
    "id" UUID NOT NULL,
    "rule" TEXT,
    "subject_type" TEXT,
    "subject_id" TEXT,
    "reason" TEXT NOT NULL,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "until" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "alert_silences_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "events" TEXT[],
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "failing_since" TIMESTAMPTZ(3),
    "paused_at" TIMESTAMPTZ(3),
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" UUID NOT NULL,
    "endpoint_id" UUID NOT NULL,
    "event" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "status" "webhook_delivery_status" NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "response_status" INTEGER,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_tried_at" TIMESTAMPTZ(3),
    "delivered_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant_uptime_hours" (
    "tenant_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "customer_id" UUID NOT NULL,
    "probes" INTEGER NOT NULL DEFAULT 0,
    "answered" INTEGER NOT NULL DEFAULT 0,
    "latency_sum_ms" INTEGER NOT NULL DEFAULT 0,
    "latency_max_ms" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "tenant_uptime_hours_pkey" PRIMARY KEY ("tenant_id","at")
);

-- CreateTable
CREATE TABLE "tenant_outages" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "seen" TEXT NOT NULL,
    "planned" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "tenant_outages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "resource_metrics_recorded_at_brin" ON "resource_metrics" USING BRIN ("recorded_at");

-- CreateIndex
CREATE INDEX "node_enrolments_created_at_idx" ON "node_enrolments"("created_at");

-- CreateIndex
CREATE INDEX "container_acts_container_id_created_at_idx" ON "container_acts"("container_id", "created_at");

-- CreateIndex
CREATE INDEX "container_acts_status_created_at_idx" ON "container_acts"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "console_sessions_ticket_hash_key" ON "console_sessions"("ticket_hash");

-- CreateIndex
CREATE INDEX "console_sessions_container_id_created_at_idx" ON "console_sessions"("container_id", "created_at");

-- CreateIndex
CREATE INDEX "console_sessions_ended_at_seen_at_idx" ON "console_sessions"("ended_at", "seen_at");

-- CreateIndex
CREATE UNIQUE INDEX "alert_rules_key_key" ON "alert_rules"("key");

-- CreateIndex
CREATE INDEX "alert_silences_ended_at_until_idx" ON "alert_silences"("ended_at", "until");

-- CreateIndex
CREATE INDEX "webhook_deliveries_endpoint_id_created_at_idx" ON "webhook_deliveries"("endpoint_id", "created_at");

-- CreateIndex
CREATE INDEX "webhook_deliveries_status_created_at_idx" ON "webhook_deliveries"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_endpoint_id_dedupe_key_key" ON "webhook_deliveries"("endpoint_id", "dedupe_key");

-- CreateIndex
CREATE INDEX "tenant_uptime_hours_customer_id_at_idx" ON "tenant_uptime_hours"("customer_id", "at");

-- CreateIndex
CREATE INDEX "tenant_outages_tenant_id_started_at_idx" ON "tenant_outages"("tenant_id", "started_at");

-- CreateIndex
CREATE INDEX "tenant_outages_customer_id_started_at_idx" ON "tenant_outages"("customer_id", "started_at");

-- AddForeignKey
ALTER TABLE "node_storages" ADD CONSTRAINT "node_storages_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ignored_guests" ADD CONSTRAINT "ignored_guests_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "proxmox_clusters"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_acts" ADD CONSTRAINT "container_acts_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_uptime_hours" ADD CONSTRAINT "tenant_uptime_hours_customer_id_tenant_id_fkey" FOREIGN KEY ("customer_id", "tenant_id") REFERENCES "tenant_deployments"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_outages" ADD CONSTRAINT "tenant_outages_customer_id_tenant_id_fkey" FOREIGN KEY ("customer_id", "tenant_id") REFERENCES "tenant_deployments"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand -----------------------------------------------------------------------------------------------------------

-- An instance is either down or not.
CREATE UNIQUE INDEX "tenant_outages_open_key" ON "tenant_outages" ("tenant_id") WHERE "ended_at" IS NULL;
-- Who was down since then: the few among whom those below their SLA are looked for.
CREATE INDEX "tenant_outages_ended_at_idx" ON "tenant_outages" ("ended_at" DESC);

CREATE UNIQUE INDEX "container_acts_unfinished_key" ON "container_acts" ("container_id") WHERE "status" IN ('queued', 'running');

CREATE TABLE "resource_metrics_hourly_default" PARTITION OF "resource_metrics_hourly" DEFAULT;
CREATE TABLE "resource_metrics_daily_default" PARTITION OF "resource_metrics_daily" DEFAULT;

-- Makes the partitions of a month of both roll-ups; rows of a month without one go to the default partitions.
CREATE FUNCTION ensure_rollup_partitions(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	parent text;
	first date := date_trunc('month', month)::date;
BEGIN
	FOREACH parent IN ARRAY ARRAY['resource_metrics_hourly', 'resource_metrics_daily'] LOOP
		EXECUTE format(
			'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
			parent || '_' || to_char(first, 'YYYYMM'), parent,
			first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC'
		);
	END LOOP;
END $$;

-- Tables whose rows belong to a customer, all readable by it alone.
DO $$
DECLARE
	owned text;
BEGIN
	FOREACH owned IN ARRAY ARRAY[
		'resource_metrics_hourly', 'resource_metrics_daily', 'tenant_uptime_hours', 'tenant_outages'
	] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
		EXECUTE format('CREATE POLICY own_rows ON %I TO erp_tenant USING (customer_id = app_customer_id())', owned);
		EXECUTE format('GRANT SELECT ON %I TO erp_tenant', owned);
	END LOOP;
END $$;

-- CreateEnum
CREATE TYPE "template_kind" AS ENUM ('all_in_one', 'odoo_only');

-- CreateEnum
CREATE TYPE "template_status" AS ENUM ('building', 'ready', 'failed', 'retired', 'deleted');

-- CreateTable
CREATE TABLE "container_templates" (
    "id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "container_id" UUID NOT NULL,
    "odoo_version" TEXT NOT NULL,
    "kind" "template_kind" NOT NULL DEFAULT 'all_in_one',
    "packages_path" TEXT,
    "git_url" TEXT,
    "git_ref" TEXT,
    "image" TEXT,
    "script_version" TEXT,
    "status" "template_status" NOT NULL DEFAULT 'building',
    "current" BOOLEAN NOT NULL DEFAULT false,
    "job_id" UUID,
    "error" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ready_at" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "container_templates_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "container_templates_container_id_key" ON "container_templates"("container_id");

-- CreateIndex
CREATE INDEX "container_templates_cluster_id_created_at_idx" ON "container_templates"("cluster_id", "created_at");

-- CreateIndex
CREATE INDEX "lxc_containers_postgres_container_id_idx" ON "lxc_containers"("postgres_container_id");

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_postgres_container_id_fkey" FOREIGN KEY ("postgres_container_id") REFERENCES "lxc_containers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_templates" ADD CONSTRAINT "container_templates_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "proxmox_clusters"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_templates" ADD CONSTRAINT "container_templates_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Of the templates of a cluster one is what new containers are copied from.
CREATE UNIQUE INDEX "container_templates_current_key" ON "container_templates" ("cluster_id") WHERE "current";

-- Templates that were enrolled before templates had rows.
INSERT INTO "container_templates" ("id", "cluster_id", "container_id", "odoo_version", "status", "current", "by_label", "created_at", "ready_at")
SELECT gen_random_uuid(), c."cluster_id", c."id", coalesce(c."odoo_version", k."odoo_version"), 'ready', c."vmid" = k."template_vmid", 'system', c."created_at", c."created_at"
FROM "lxc_containers" c JOIN "proxmox_clusters" k ON k."id" = c."cluster_id"
WHERE c."purpose" = 'template' AND c."status" <> 'deleted';
