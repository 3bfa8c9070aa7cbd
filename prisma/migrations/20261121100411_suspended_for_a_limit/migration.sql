-- AlterEnum
ALTER TYPE "suspension_reason" ADD VALUE 'limit';

-- AlterTable
ALTER TABLE "tenant_deployments" ADD COLUMN     "read_only_lacked" JSONB;
