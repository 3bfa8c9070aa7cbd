-- AlterTable
ALTER TABLE "edge_hosts" ADD COLUMN     "origin_request" JSONB;

-- Two rules of one host without a path are the same rule.
DROP INDEX "edge_hosts_tunnel_id_hostname_path_key";
CREATE UNIQUE INDEX "edge_hosts_tunnel_id_hostname_path_key" ON "edge_hosts"("tunnel_id", "hostname", "path") NULLS NOT DISTINCT;
