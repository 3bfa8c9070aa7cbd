-- AlterTable
ALTER TABLE "custom_domains" DROP COLUMN "watched_until",
ADD COLUMN     "hostname_adopted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "hostname_seen_at" TIMESTAMPTZ(3);

GRANT SELECT ("hostname_seen_at") ON "custom_domains" TO erp_tenant;
