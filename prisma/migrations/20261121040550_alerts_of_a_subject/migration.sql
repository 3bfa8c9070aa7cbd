-- CreateIndex
CREATE INDEX "alerts_subject_type_subject_id_opened_at_idx" ON "alerts"("subject_type", "subject_id", "opened_at");
