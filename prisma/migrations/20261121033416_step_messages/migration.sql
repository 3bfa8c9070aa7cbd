-- AlterTable
ALTER TABLE "provisioning_steps" ADD COLUMN     "error_params" JSONB,
ADD COLUMN     "message" JSONB;

-- What vendors and workers said in their own words is for staff.
REVOKE SELECT ON "provisioning_steps", "provisioning_jobs" FROM erp_tenant;
GRANT SELECT ("id", "job_id", "customer_id", "position", "name", "status", "attempts", "message", "error_code", "started_at", "finished_at")
	ON "provisioning_steps" TO erp_tenant;
GRANT SELECT ("id", "saga", "subject_id", "customer_id", "status", "started_at", "finished_at", "created_at", "updated_at")
	ON "provisioning_jobs" TO erp_tenant;
