-- CreateEnum
CREATE TYPE "tunnel_source" AS ENUM ('cloudflare', 'local');

-- CreateEnum
CREATE TYPE "tunnel_change_kind" AS ENUM ('converged', 'drifted', 'repaired', 'adopted', 'created', 'restarted', 'deleted');

-- CreateEnum
CREATE TYPE "domain_driver" AS ENUM ('custom_hostname', 'account_cname', 'edge');

-- CreateEnum
CREATE TYPE "custom_domain_status" AS ENUM ('pending', 'verifying', 'active', 'error', 'inactive', 'removed');

-- CreateEnum
CREATE TYPE "domain_certificate" AS ENUM ('none', 'pending', 'active', 'error');

-- AlterTable
ALTER TABLE "base_domains" ADD COLUMN     "driver" "domain_driver" NOT NULL DEFAULT 'custom_hostname',
ADD COLUMN     "edge_server_id" UUID,
ADD COLUMN     "target" TEXT NOT NULL DEFAULT '';

-- AlterTable
ALTER TABLE "dns_records" ADD COLUMN     "custom_domain_id" UUID;

-- AlterTable
ALTER TABLE "plans" ADD COLUMN     "base_domain_id" UUID;

-- AlterTable
ALTER TABLE "tenant_deployments" ADD COLUMN     "base_url" TEXT,
ADD COLUMN     "tunnel_id" UUID;

-- AlterTable
ALTER TABLE "tunnels" ADD COLUMN     "compared_at" TIMESTAMPTZ(3),
ADD COLUMN     "connectors" JSONB,
ADD COLUMN     "deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "host_config" TEXT NOT NULL DEFAULT '/etc/cloudflared/config.yml',
ADD COLUMN     "host_node_id" UUID,
ADD COLUMN     "host_unit" TEXT NOT NULL DEFAULT 'cloudflared',
ADD COLUMN     "host_vmid" INTEGER,
ADD COLUMN     "node_id" UUID,
ADD COLUMN     "remote_version" INTEGER,
ADD COLUMN     "seen_at" TIMESTAMPTZ(3),
ADD COLUMN     "seen_error" TEXT,
ADD COLUMN     "source" "tunnel_source" NOT NULL DEFAULT 'cloudflare',
ADD COLUMN     "status" TEXT,
ADD COLUMN     "token_shown_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "tunnel_changes" (
    "id" UUID NOT NULL,
    "tunnel_id" UUID NOT NULL,
    "kind" "tunnel_change_kind" NOT NULL,
    "by_label" TEXT,
    "remote_version" INTEGER,
    "diff" JSONB,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tunnel_changes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "custom_domains" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "tenant_deployment_id" UUID NOT NULL,
    "external_domain" TEXT NOT NULL,
    "driver" "domain_driver" NOT NULL,
    "verification_status" "custom_domain_status" NOT NULL DEFAULT 'pending',
    "redirect_to_id" UUID,
    "verification_name" TEXT NOT NULL,
    "verification_token" TEXT NOT NULL,
    "verified_at" TIMESTAMPTZ(3),
    "unproven_since" TIMESTAMPTZ(3),
    "routed_at" TIMESTAMPTZ(3),
    "ssl_status" "domain_certificate" NOT NULL DEFAULT 'none',
    "certificate_issuer" TEXT,
    "certificate_expires_at" TIMESTAMPTZ(3),
    "cloudflare_configured_at" TIMESTAMPTZ(3),
    "cloudflare_hostname_id" TEXT,
    "hostname_status" TEXT,
    "hostname_ssl_status" TEXT,
    "hostname_errors" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "hostname_records" JSONB NOT NULL DEFAULT '[]',
    "hostname_armed_at" TIMESTAMPTZ(3),
    "published" BOOLEAN NOT NULL DEFAULT false,
    "published_version" INTEGER,
    "seen_at" TIMESTAMPTZ(3),
    "is_primary" BOOLEAN NOT NULL DEFAULT false,
    "findings" JSONB NOT NULL DEFAULT '[]',
    "observed" JSONB,
    "error" TEXT,
    "misses" INTEGER NOT NULL DEFAULT 0,
    "checked_at" TIMESTAMPTZ(3),
    "next_check_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "watched_until" TIMESTAMPTZ(3),
    "activated_at" TIMESTAMPTZ(3),
    "broken_at" TIMESTAMPTZ(3),
    "removed_at" TIMESTAMPTZ(3),
    "created_by" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "custom_domains_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "edge_servers" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "node_id" UUID NOT NULL,
    "vmid" INTEGER,
    "ipv4" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "ipv6" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "wanted_version" INTEGER NOT NULL DEFAULT 0,
    "applied_version" INTEGER NOT NULL DEFAULT 0,
    "applied_hash" TEXT,
    "applied_at" TIMESTAMPTZ(3),
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "edge_servers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "edge_certificates" (
    "id" UUID NOT NULL,
    "custom_domain_id" UUID NOT NULL,
    "hostname" TEXT NOT NULL,
    "chain" TEXT,
    "private_key" TEXT,
    "issuer" TEXT,
    "not_after" TIMESTAMPTZ(3),
    "order_url" TEXT,
    "order_key" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "next_try_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "edge_certificates_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "acme_accounts" (
    "directory_url" TEXT NOT NULL,
    "account_url" TEXT,
    "private_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "acme_accounts_pkey" PRIMARY KEY ("directory_url")
);

-- CreateTable
CREATE TABLE "acme_challenges" (
    "token" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "key_authorization" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "acme_challenges_pkey" PRIMARY KEY ("token")
);

-- CreateTable
CREATE TABLE "provider_uses" (
    "vendor" TEXT NOT NULL,
    "slice" TIMESTAMPTZ(3) NOT NULL,
    "lane" TEXT NOT NULL,
    "calls" INTEGER NOT NULL,

    CONSTRAINT "provider_uses_pkey" PRIMARY KEY ("vendor","slice","lane")
);

-- CreateTable
CREATE TABLE "provider_pauses" (
    "vendor" TEXT NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "provider_pauses_pkey" PRIMARY KEY ("vendor")
);

-- CreateIndex
CREATE INDEX "tunnel_changes_tunnel_id_at_idx" ON "tunnel_changes"("tunnel_id", "at");

-- CreateIndex
CREATE INDEX "custom_domains_customer_id_created_at_idx" ON "custom_domains"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "custom_domains_tenant_deployment_id_idx" ON "custom_domains"("tenant_deployment_id");

-- CreateIndex
CREATE INDEX "custom_domains_verification_status_created_at_idx" ON "custom_domains"("verification_status", "created_at");

-- CreateIndex
CREATE INDEX "custom_domains_created_at_idx" ON "custom_domains"("created_at");

-- CreateIndex
CREATE INDEX "custom_domains_redirect_to_id_idx" ON "custom_domains"("redirect_to_id");

-- CreateIndex
CREATE INDEX "custom_domains_next_check_at_idx" ON "custom_domains"("next_check_at");

-- CreateIndex
CREATE INDEX "custom_domains_external_domain_idx" ON "custom_domains"("external_domain");

-- CreateIndex
CREATE INDEX "custom_domains_hostname_trgm" ON "custom_domains" USING GIN ("external_domain" gin_trgm_ops);

-- CreateIndex
CREATE UNIQUE INDEX "edge_servers_name_key" ON "edge_servers"("name");

-- CreateIndex
CREATE UNIQUE INDEX "edge_certificates_custom_domain_id_key" ON "edge_certificates"("custom_domain_id");

-- CreateIndex
CREATE INDEX "edge_certificates_not_after_idx" ON "edge_certificates"("not_after");

-- CreateIndex
CREATE INDEX "edge_certificates_next_try_at_idx" ON "edge_certificates"("next_try_at");

-- CreateIndex
CREATE INDEX "acme_challenges_expires_at_idx" ON "acme_challenges"("expires_at");

-- CreateIndex
CREATE INDEX "dns_records_custom_domain_id_idx" ON "dns_records"("custom_domain_id");

-- CreateIndex
CREATE INDEX "tenant_deployments_tunnel_id_idx" ON "tenant_deployments"("tunnel_id");

-- CreateIndex
CREATE UNIQUE INDEX "tunnels_node_id_key" ON "tunnels"("node_id");

-- AddForeignKey
ALTER TABLE "tunnels" ADD CONSTRAINT "tunnels_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tunnels" ADD CONSTRAINT "tunnels_host_node_id_fkey" FOREIGN KEY ("host_node_id") REFERENCES "proxmox_nodes"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tunnel_changes" ADD CONSTRAINT "tunnel_changes_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "base_domains" ADD CONSTRAINT "base_domains_edge_server_id_fkey" FOREIGN KEY ("edge_server_id") REFERENCES "edge_servers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_domains" ADD CONSTRAINT "custom_domains_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_domains" ADD CONSTRAINT "custom_domains_customer_id_tenant_deployment_id_fkey" FOREIGN KEY ("customer_id", "tenant_deployment_id") REFERENCES "tenant_deployments"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_domains" ADD CONSTRAINT "custom_domains_redirect_to_id_fkey" FOREIGN KEY ("redirect_to_id") REFERENCES "custom_domains"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "edge_servers" ADD CONSTRAINT "edge_servers_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "plans" ADD CONSTRAINT "plans_base_domain_id_fkey" FOREIGN KEY ("base_domain_id") REFERENCES "base_domains"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- What is there already is published through the tunnel of its base domain.
UPDATE "tenant_deployments" t SET "tunnel_id" = b."tunnel_id" FROM "base_domains" b
	WHERE b."id" = t."base_domain_id" AND t."published";
UPDATE "base_domains" SET "target" = 'customers.' || "name" WHERE "target" = '';

-- Of those who claim a name one has proven that it is theirs; the others may only wait.
CREATE UNIQUE INDEX "custom_domains_verified_key" ON "custom_domains" ("external_domain")
	WHERE "verified_at" IS NOT NULL AND "verification_status" <> 'removed';
CREATE UNIQUE INDEX "custom_domains_claim_key" ON "custom_domains" ("customer_id", "external_domain")
	WHERE "verification_status" <> 'removed';
CREATE UNIQUE INDEX "custom_domains_primary_key" ON "custom_domains" ("tenant_deployment_id")
	WHERE "is_primary" AND "verification_status" <> 'removed';
-- What one look at all that is due reads.
CREATE INDEX "custom_domains_due" ON "custom_domains" ("next_check_at")
	WHERE "next_check_at" IS NOT NULL AND "verification_status" NOT IN ('removed', 'inactive');

ALTER TABLE "custom_domains" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "custom_domains" TO erp_tenant USING (customer_id = app_customer_id());
-- Not `error`: it holds a vendor's words.
GRANT SELECT ("id", "customer_id", "tenant_deployment_id", "external_domain", "driver", "verification_status",
	"redirect_to_id", "verification_name", "verification_token", "verified_at", "unproven_since", "routed_at",
	"ssl_status", "certificate_issuer", "certificate_expires_at", "cloudflare_configured_at", "hostname_status",
	"hostname_ssl_status", "hostname_errors", "hostname_records", "published", "seen_at", "is_primary", "findings",
	"observed", "misses", "checked_at", "next_check_at", "watched_until", "activated_at", "broken_at", "removed_at",
	"created_by", "version", "created_at", "updated_at") ON "custom_domains" TO erp_tenant;
GRANT SELECT ("target", "driver") ON "base_domains" TO erp_tenant;
