-- AlterTable
ALTER TABLE "tenant_migrations" ADD COLUMN     "asked_cluster_id" UUID,
ADD COLUMN     "asked_node_id" UUID;

-- Those that went elsewhere within their kind of place, or from one of their own to another, were asked to go to a node:
-- tried again they go there. Of the others nobody wrote it down.
UPDATE "tenant_migrations" m SET "asked_node_id" = c."node_id"
FROM "lxc_containers" c
WHERE c."id" = m."to_container_id" AND m."from_container_id" <> c."id" AND m."container_move_id" IS NULL
	AND (m."from_isolation" = m."to_isolation" OR 'shared' NOT IN (m."from_isolation", m."to_isolation"));
