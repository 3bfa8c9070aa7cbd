-- AlterTable
ALTER TABLE "edge_hosts" ADD COLUMN     "dns_kept" BOOLEAN NOT NULL DEFAULT false;
