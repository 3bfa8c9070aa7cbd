-- AlterTable
ALTER TABLE "dunning_cases" ADD COLUMN     "currency" CHAR(3) NOT NULL DEFAULT 'usd',
ADD COLUMN     "held" TEXT,
ADD COLUMN     "next_act" "dunning_act_kind",
ADD COLUMN     "next_at" TIMESTAMPTZ(3),
ADD COLUMN     "owed" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "dunning_cases_closed_at_next_at_idx" ON "dunning_cases"("closed_at", "next_at");
