-- What the list of all domains is filtered and sorted by. Partial and of an expression, which the models cannot say.
CREATE INDEX "custom_domains_by_certificate" ON "custom_domains" ("ssl_status", "created_at", "id")
	WHERE "verification_status" <> 'removed';
CREATE INDEX "custom_domains_by_driver" ON "custom_domains" ("driver", "created_at", "id")
	WHERE "verification_status" <> 'removed';
CREATE INDEX "custom_domains_by_end" ON "custom_domains"
	((coalesce("certificate_expires_at", 'infinity'::timestamptz)), "id") WHERE "verification_status" <> 'removed';
