-- AlterTable
ALTER TABLE "plans" ADD COLUMN     "trial_days" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "subscription_changes" ADD COLUMN     "undone_by" TEXT;
