-- AlterTable
ALTER TABLE "tenant_secrets" ADD COLUMN     "next_asked_at" TIMESTAMPTZ(3),
ADD COLUMN     "next_password" TEXT;
