-- AlterTable
ALTER TABLE "backups" ADD COLUMN     "container_id" UUID,
ADD COLUMN     "task_upid" TEXT;
