-- AlterTable
ALTER TABLE "notifications" DROP COLUMN "read_at";

-- CreateTable
CREATE TABLE "notification_reads" (
    "user_id" UUID NOT NULL,
    "notification_id" UUID NOT NULL,
    "read_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_reads_pkey" PRIMARY KEY ("user_id","notification_id")
);

-- CreateIndex
CREATE INDEX "notification_reads_notification_id_idx" ON "notification_reads"("notification_id");

-- AddForeignKey
ALTER TABLE "notification_reads" ADD CONSTRAINT "notification_reads_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_reads" ADD CONSTRAINT "notification_reads_notification_id_fkey" FOREIGN KEY ("notification_id") REFERENCES "notifications"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A member marks as its own what it may see: the subquery runs under the policies of "notifications".
ALTER TABLE "notification_reads" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "notification_reads" TO erp_tenant
	USING (user_id = app_user_id())
	WITH CHECK (user_id = app_user_id() AND EXISTS (SELECT 1 FROM notifications n WHERE n.id = notification_id));
GRANT SELECT, INSERT ON "notification_reads" TO erp_tenant;
