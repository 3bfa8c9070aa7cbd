-- CreateEnum
CREATE TYPE "drain_status" AS ENUM ('running', 'paused', 'done', 'cancelled');

-- CreateEnum
CREATE TYPE "move_status" AS ENUM ('planned', 'running', 'confirming', 'succeeded', 'rolled_back', 'failed', 'cancelled');

-- AlterTable
ALTER TABLE "lxc_containers" ADD COLUMN     "ha_node_id" UUID,
ADD COLUMN     "move_to_node_id" UUID,
ADD COLUMN     "storage" TEXT,
ADD COLUMN     "template_id" UUID,
ADD COLUMN     "warm_plan_id" UUID;

-- CreateTable
CREATE TABLE "container_secrets" (
    "container_id" UUID NOT NULL,
    "postgres_password" TEXT NOT NULL,
    "attached_at" TIMESTAMPTZ(3),

    CONSTRAINT "container_secrets_pkey" PRIMARY KEY ("container_id")
);

-- CreateTable
CREATE TABLE "warm_pools" (
    "node_id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "target" INTEGER NOT NULL,
    "error" TEXT,
    "looked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "warm_pools_pkey" PRIMARY KEY ("node_id","plan_id")
);

-- CreateTable
CREATE TABLE "container_guards" (
    "container_id" UUID NOT NULL,
    "state" TEXT,
    "state_since" TIMESTAMPTZ(3),
    "replicated" BOOLEAN NOT NULL DEFAULT true,
    "copied_at" TIMESTAMPTZ(3),
    "copy_error" TEXT,
    "copy_fails" INTEGER NOT NULL DEFAULT 0,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "container_guards_pkey" PRIMARY KEY ("container_id")
);

-- CreateTable
CREATE TABLE "failovers" (
    "id" UUID NOT NULL,
    "container_id" UUID NOT NULL,
    "from_node_id" UUID NOT NULL,
    "to_node_id" UUID NOT NULL,
    "lost_at" TIMESTAMPTZ(3) NOT NULL,
    "running_at" TIMESTAMPTZ(3),
    "answered_at" TIMESTAMPTZ(3),
    "copied_at" TIMESTAMPTZ(3),

    CONSTRAINT "failovers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "node_drains" (
    "id" UUID NOT NULL,
    "node_id" UUID NOT NULL,
    "status" "drain_status" NOT NULL DEFAULT 'running',
    "reason" TEXT,
    "not_before" TIMESTAMPTZ(3),
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "node_drains_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "container_moves" (
    "id" UUID NOT NULL,
    "container_id" UUID NOT NULL,
    "from_node_id" UUID NOT NULL,
    "to_node_id" UUID,
    "drain_id" UUID,
    "position" INTEGER NOT NULL DEFAULT 0,
    "job_id" UUID,
    "status" "move_status" NOT NULL DEFAULT 'planned',
    "expected_ms" INTEGER,
    "off_air_at" TIMESTAMPTZ(3),
    "on_air_at" TIMESTAMPTZ(3),
    "reason" TEXT,
    "error" TEXT,
    "archive" TEXT,
    "archive_node_id" UUID,
    "archive_bytes" BIGINT,
    "archive_sha256" TEXT,
    "keep_until" TIMESTAMPTZ(3),
    "confirmed_at" TIMESTAMPTZ(3),
    "confirmed_by" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "container_moves_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant_migrations" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "container_move_id" UUID,
    "from_container_id" UUID NOT NULL,
    "to_container_id" UUID,
    "from_isolation" "isolation" NOT NULL,
    "to_isolation" "isolation" NOT NULL,
    "plan_id" UUID,
    "job_id" UUID,
    "status" "move_status" NOT NULL DEFAULT 'planned',
    "not_before" TIMESTAMPTZ(3),
    "expected_ms" INTEGER,
    "limits_before" JSONB,
    "size_mb" INTEGER,
    "off_air_at" TIMESTAMPTZ(3),
    "on_air_at" TIMESTAMPTZ(3),
    "keep_until" TIMESTAMPTZ(3),
    "confirmed_at" TIMESTAMPTZ(3),
    "confirmed_by" TEXT,
    "reason" TEXT,
    "error" TEXT,
    "by_id" UUID,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "tenant_migrations_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "warm_pools_plan_id_idx" ON "warm_pools"("plan_id");

-- CreateIndex
CREATE INDEX "failovers_container_id_lost_at_idx" ON "failovers"("container_id", "lost_at");

-- CreateIndex
CREATE INDEX "failovers_lost_at_idx" ON "failovers"("lost_at" DESC);

-- CreateIndex
CREATE INDEX "node_drains_node_id_created_at_idx" ON "node_drains"("node_id", "created_at");

-- CreateIndex
CREATE INDEX "node_drains_status_created_at_idx" ON "node_drains"("status", "created_at");

-- CreateIndex
CREATE INDEX "container_moves_container_id_created_at_idx" ON "container_moves"("container_id", "created_at");

-- CreateIndex
CREATE INDEX "container_moves_drain_id_position_idx" ON "container_moves"("drain_id", "position");

-- CreateIndex
CREATE INDEX "container_moves_to_node_id_status_idx" ON "container_moves"("to_node_id", "status");

-- CreateIndex
CREATE INDEX "container_moves_from_node_id_status_idx" ON "container_moves"("from_node_id", "status");

-- CreateIndex
CREATE INDEX "container_moves_status_created_at_idx" ON "container_moves"("status", "created_at");

-- CreateIndex
CREATE INDEX "container_moves_keep_until_idx" ON "container_moves"("keep_until");

-- CreateIndex
CREATE INDEX "tenant_migrations_tenant_id_created_at_idx" ON "tenant_migrations"("tenant_id", "created_at");

-- CreateIndex
CREATE INDEX "tenant_migrations_customer_id_created_at_idx" ON "tenant_migrations"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "tenant_migrations_container_move_id_idx" ON "tenant_migrations"("container_move_id");

-- CreateIndex
CREATE INDEX "tenant_migrations_status_keep_until_idx" ON "tenant_migrations"("status", "keep_until");

-- CreateIndex
CREATE INDEX "tenant_migrations_status_created_at_idx" ON "tenant_migrations"("status", "created_at");

-- CreateIndex
CREATE INDEX "lxc_containers_move_to_node_id_idx" ON "lxc_containers"("move_to_node_id");

-- CreateIndex
CREATE INDEX "lxc_containers_ha_node_id_idx" ON "lxc_containers"("ha_node_id");

-- CreateIndex
CREATE INDEX "lxc_containers_warm_plan_id_idx" ON "lxc_containers"("warm_plan_id");

-- CreateIndex
CREATE INDEX "lxc_containers_template_id_idx" ON "lxc_containers"("template_id");

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_move_to_node_id_fkey" FOREIGN KEY ("move_to_node_id") REFERENCES "proxmox_nodes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_ha_node_id_fkey" FOREIGN KEY ("ha_node_id") REFERENCES "proxmox_nodes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_warm_plan_id_fkey" FOREIGN KEY ("warm_plan_id") REFERENCES "plans"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "container_templates"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_secrets" ADD CONSTRAINT "container_secrets_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "warm_pools" ADD CONSTRAINT "warm_pools_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "warm_pools" ADD CONSTRAINT "warm_pools_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_guards" ADD CONSTRAINT "container_guards_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "failovers" ADD CONSTRAINT "failovers_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "container_moves" ADD CONSTRAINT "container_moves_drain_id_fkey" FOREIGN KEY ("drain_id") REFERENCES "node_drains"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_migrations" ADD CONSTRAINT "tenant_migrations_customer_id_tenant_id_fkey" FOREIGN KEY ("customer_id", "tenant_id") REFERENCES "tenant_deployments"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_migrations" ADD CONSTRAINT "tenant_migrations_container_move_id_fkey" FOREIGN KEY ("container_move_id") REFERENCES "container_moves"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- Alerts that code opens by itself have rules as well, which say how they are told.
ALTER TABLE "alert_rules" ALTER COLUMN "metric" DROP NOT NULL;

-- Nothing is moved twice at once, and no node is emptied twice at once.
CREATE UNIQUE INDEX "container_moves_open_key" ON "container_moves" ("container_id") WHERE "status" IN ('planned', 'running');
CREATE UNIQUE INDEX "tenant_migrations_open_key" ON "tenant_migrations" ("tenant_id") WHERE "status" IN ('planned', 'running', 'confirming');
CREATE UNIQUE INDEX "node_drains_open_key" ON "node_drains" ("node_id") WHERE "status" IN ('running', 'paused');

-- Of two nodes one fails over to the other, never to itself.
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_ha_node_check" CHECK ("ha_node_id" <> "node_id");

-- A customer reads where its instance goes and how long it was off the air; who asked and what machines said is for staff.
ALTER TABLE "tenant_migrations" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "tenant_migrations" TO erp_tenant USING (customer_id = app_customer_id());
GRANT SELECT ("id", "tenant_id", "customer_id", "from_isolation", "to_isolation", "plan_id", "job_id", "status", "not_before", "expected_ms",
	"off_air_at", "on_air_at", "keep_until", "confirmed_at", "created_at", "started_at", "finished_at") ON "tenant_migrations" TO erp_tenant;

-- Containers that were copied since templates have rows.
UPDATE "lxc_containers" c SET "template_id" = t."id"
FROM "container_templates" t
WHERE t."cluster_id" = c."cluster_id" AND t."current" AND c."purpose" IN ('odoo', 'shared') AND NOT c."adopted" AND c."status" <> 'deleted'
	AND c."created_at" >= t."ready_at";
