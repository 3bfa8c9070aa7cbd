-- AlterTable
ALTER TABLE "backups" ADD COLUMN     "job_id" UUID;

-- AlterTable
ALTER TABLE "lxc_containers" ADD COLUMN     "net_in_bytes" BIGINT,
ADD COLUMN     "net_out_bytes" BIGINT,
ADD COLUMN     "retiring" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "task_upid" TEXT;

-- CreateTable
CREATE TABLE "clone_turns" (
    "container_id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "template_vmid" INTEGER NOT NULL,
    "job_id" UUID NOT NULL,
    "queued_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
    "seen_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
    "started_at" TIMESTAMPTZ(6),

    CONSTRAINT "clone_turns_pkey" PRIMARY KEY ("container_id")
);

-- CreateTable
CREATE TABLE "orphan_containers" (
    "id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "vmid" INTEGER NOT NULL,
    "container_id" UUID NOT NULL,
    "node_name" TEXT NOT NULL,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "destroyed_at" TIMESTAMPTZ(3),
    "error" TEXT,

    CONSTRAINT "orphan_containers_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "clone_turns_cluster_id_template_vmid_queued_at_idx" ON "clone_turns"("cluster_id", "template_vmid", "queued_at");

-- CreateIndex
CREATE UNIQUE INDEX "orphan_containers_cluster_id_vmid_container_id_key" ON "orphan_containers"("cluster_id", "vmid", "container_id");

-- CreateIndex
CREATE INDEX "backups_job_id_idx" ON "backups"("job_id");

-- CreateIndex
CREATE INDEX "lxc_containers_created_by_job_id_idx" ON "lxc_containers"("created_by_job_id");
