-- AlterTable
ALTER TABLE "alerts" ADD COLUMN     "acknowledged_name" TEXT,
ADD COLUMN     "acknowledged_note" TEXT;

-- CreateIndex
CREATE INDEX "alerts_opened_at_idx" ON "alerts"("opened_at");
