-- AlterTable
ALTER TABLE "refunds" ADD COLUMN     "refund_order_id" UUID;

-- CreateIndex
CREATE INDEX "refunds_refund_order_id_idx" ON "refunds"("refund_order_id");

UPDATE "refunds" SET "refund_order_id" = "order"."id" FROM "refund_orders" "order"
WHERE "order"."purpose" = 'signup' AND "order"."signup_id" = "refunds"."signup_id";

-- Of a second payment only the reason says so, and the customer.
UPDATE "refunds" SET "refund_order_id" = "order"."id" FROM "refund_orders" "order"
WHERE "refunds"."refund_order_id" IS NULL AND "refunds"."signup_id" IS NULL
	AND "order"."purpose" = 'duplicate' AND "order"."customer_id" = "refunds"."customer_id" AND "order"."reason" = "refunds"."reason"
	AND (SELECT count(*) FROM "refund_orders" "other" WHERE "other"."purpose" = 'duplicate' AND "other"."customer_id" = "refunds"."customer_id") = 1;
