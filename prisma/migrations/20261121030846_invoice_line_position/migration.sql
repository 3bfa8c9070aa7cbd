-- AlterTable
ALTER TABLE "invoice_lines" ADD COLUMN     "position" SMALLINT NOT NULL DEFAULT 0;
