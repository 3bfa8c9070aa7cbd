-- Null: servers of databases from before count with all the memory that they have, as they did.
-- AlterTable
ALTER TABLE "lxc_containers" ADD COLUMN     "started_ram_mb" INTEGER;
