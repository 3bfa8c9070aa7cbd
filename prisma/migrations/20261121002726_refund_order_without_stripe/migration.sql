-- AlterTable
ALTER TABLE "refund_orders" ALTER COLUMN "stripe_subscription_id" DROP NOT NULL;
