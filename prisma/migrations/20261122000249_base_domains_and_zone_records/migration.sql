-- CreateEnum
CREATE TYPE "base_preparation" AS ENUM ('pending', 'ready', 'error');

-- CreateEnum
CREATE TYPE "record_standing" AS ENUM ('ours', 'differs', 'orphan', 'missing', 'foreign');

-- CreateEnum
CREATE TYPE "record_act" AS ENUM ('delete', 'create', 'correct');

-- CreateEnum
CREATE TYPE "record_change_status" AS ENUM ('waiting', 'done', 'refused', 'failed');

-- AlterTable
ALTER TABLE "base_domains" ADD COLUMN     "fallback_origin" TEXT,
ADD COLUMN     "fallback_status" TEXT,
ADD COLUMN     "obstacle" JSONB,
ADD COLUMN     "preparation" "base_preparation" NOT NULL DEFAULT 'pending',
ADD COLUMN     "prepared_at" TIMESTAMPTZ(3),
ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "zone_seen_at" TIMESTAMPTZ(3),
ADD COLUMN     "zone_status" TEXT;

-- CreateTable
CREATE TABLE "zone_looks" (
    "zone_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "looked_at" TIMESTAMPTZ(3),
    "tried_at" TIMESTAMPTZ(3),
    "error" TEXT,

    CONSTRAINT "zone_looks_pkey" PRIMARY KEY ("zone_id")
);

-- CreateTable
CREATE TABLE "zone_records" (
    "id" UUID NOT NULL,
    "zone_id" TEXT NOT NULL,
    "cloudflare_dns_record_id" TEXT,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "proxied" BOOLEAN NOT NULL DEFAULT false,
    "ttl" INTEGER NOT NULL DEFAULT 1,
    "comment" TEXT,
    "standing" "record_standing" NOT NULL,
    "owner_kind" TEXT,
    "owner_id" UUID,
    "wanted_content" TEXT,
    "wanted_proxied" BOOLEAN,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "zone_records_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "record_changes" (
    "id" UUID NOT NULL,
    "batch_id" UUID NOT NULL,
    "zone_id" TEXT NOT NULL,
    "cloudflare_dns_record_id" TEXT,
    "act" "record_act" NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" UUID NOT NULL,
    "status" "record_change_status" NOT NULL DEFAULT 'waiting',
    "reason" TEXT,
    "error" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "by_label" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "record_changes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "zone_records_name_id_idx" ON "zone_records"("name", "id");

-- CreateIndex
CREATE INDEX "zone_records_standing_name_idx" ON "zone_records"("standing", "name");

-- CreateIndex
CREATE UNIQUE INDEX "zone_records_zone_id_cloudflare_dns_record_id_key" ON "zone_records"("zone_id", "cloudflare_dns_record_id");

-- CreateIndex
CREATE INDEX "record_changes_batch_id_idx" ON "record_changes"("batch_id");

-- CreateIndex
CREATE INDEX "record_changes_status_created_at_idx" ON "record_changes"("status", "created_at");

-- CreateIndex
CREATE INDEX "record_changes_created_at_idx" ON "record_changes"("created_at");

-- AddForeignKey
ALTER TABLE "zone_records" ADD CONSTRAINT "zone_records_zone_id_fkey" FOREIGN KEY ("zone_id") REFERENCES "zone_looks"("zone_id") ON DELETE CASCADE ON UPDATE CASCADE;
