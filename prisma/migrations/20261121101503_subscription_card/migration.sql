-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "stripe_payment_method_id" TEXT;
