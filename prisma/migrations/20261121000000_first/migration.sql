-- Needed by the indexes that search in names.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- CreateEnum
CREATE TYPE "backup_status" AS ENUM ('running', 'succeeded', 'failed', 'deleted');

-- CreateEnum
CREATE TYPE "backup_kind" AS ENUM ('container', 'database');

-- CreateEnum
CREATE TYPE "subscription_status" AS ENUM ('pending', 'active', 'past_due', 'suspended', 'cancelled');

-- CreateEnum
CREATE TYPE "billing_mode" AS ENUM ('stripe', 'invoice', 'free');

-- CreateEnum
CREATE TYPE "movement_kind" AS ENUM ('new', 'expansion', 'contraction', 'churn', 'reactivation');

-- CreateEnum
CREATE TYPE "saga_status" AS ENUM ('queued', 'running', 'waiting', 'succeeded', 'failed', 'compensating', 'compensated');

-- CreateEnum
CREATE TYPE "step_status" AS ENUM ('pending', 'running', 'done', 'failed', 'skipped', 'undone');

-- CreateEnum
CREATE TYPE "log_level" AS ENUM ('debug', 'info', 'warning', 'error');

-- CreateEnum
CREATE TYPE "customer_status" AS ENUM ('pending', 'active', 'inactive', 'deleted');

-- CreateEnum
CREATE TYPE "user_status" AS ENUM ('active', 'disabled');

-- CreateEnum
CREATE TYPE "role_kind" AS ENUM ('staff', 'customer');

-- CreateEnum
CREATE TYPE "session_side" AS ENUM ('staff', 'customer');

-- CreateEnum
CREATE TYPE "user_token_purpose" AS ENUM ('set_password', 'reset_password', 'second_factor');

-- CreateEnum
CREATE TYPE "node_status" AS ENUM ('online', 'offline', 'maintenance');

-- CreateEnum
CREATE TYPE "container_purpose" AS ENUM ('odoo', 'postgres', 'shared', 'template');

-- CreateEnum
CREATE TYPE "container_status" AS ENUM ('provisioning', 'running', 'stopped', 'paused', 'error', 'deleted');

-- CreateEnum
CREATE TYPE "call_status" AS ENUM ('pending', 'succeeded', 'failed', 'unknown');

-- CreateEnum
CREATE TYPE "email_status" AS ENUM ('queued', 'sent', 'failed');

-- CreateEnum
CREATE TYPE "alert_severity" AS ENUM ('info', 'warning', 'critical');

-- CreateEnum
CREATE TYPE "isolation" AS ENUM ('shared', 'dedicated', 'dedicated_ha');

-- CreateEnum
CREATE TYPE "price_interval" AS ENUM ('month', 'year');

-- CreateEnum
CREATE TYPE "signup_status" AS ENUM ('open', 'processing', 'paid', 'completed', 'expired', 'refunding', 'refunded');

-- CreateEnum
CREATE TYPE "tenant_status" AS ENUM ('requested', 'waiting_capacity', 'provisioning', 'enrolling', 'active', 'degraded', 'suspended', 'migrating', 'failed', 'refunded', 'deleting', 'deleted');

-- CreateEnum
CREATE TYPE "tenant_kind" AS ENUM ('saas', 'vps');

-- CreateEnum
CREATE TYPE "suspension_reason" AS ENUM ('unpaid', 'abuse', 'request');

-- CreateEnum
CREATE TYPE "cleanup_status" AS ENUM ('open', 'done');

-- CreateTable
CREATE TABLE "backups" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "kind" "backup_kind" NOT NULL,
    "reason" TEXT NOT NULL,
    "status" "backup_status" NOT NULL DEFAULT 'running',
    "node_id" UUID,
    "location" TEXT,
    "size_bytes" BIGINT,
    "sha256" TEXT,
    "verified_at" TIMESTAMPTZ(3),
    "purge_after" TIMESTAMPTZ(3),
    "error" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "backups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscriptions" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "billing_mode" "billing_mode" NOT NULL DEFAULT 'stripe',
    "billing_reason" TEXT,
    "stripe_subscription_id" TEXT,
    "stripe_status" TEXT,
    "status" "subscription_status" NOT NULL DEFAULT 'pending',
    "currency" CHAR(3) NOT NULL,
    "amount" INTEGER NOT NULL,
    "interval" "price_interval" NOT NULL,
    "quantity" INTEGER NOT NULL DEFAULT 1,
    "mrr" INTEGER NOT NULL DEFAULT 0,
    "current_period_start" TIMESTAMPTZ(3),
    "current_period_end" TIMESTAMPTZ(3),
    "paid_through" TIMESTAMPTZ(3),
    "trial_end" TIMESTAMPTZ(3),
    "cancel_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "disputed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "subscriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mrr_movements" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "kind" "movement_kind" NOT NULL,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mrr_movements_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invoices" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID,
    "stripe_invoice_id" TEXT,
    "number" TEXT,
    "status" TEXT NOT NULL,
    "billing_reason" TEXT,
    "currency" CHAR(3) NOT NULL,
    "subtotal" INTEGER NOT NULL,
    "tax" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL,
    "amount_paid" INTEGER NOT NULL DEFAULT 0,
    "amount_remaining" INTEGER NOT NULL DEFAULT 0,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "period_start" TIMESTAMPTZ(3),
    "period_end" TIMESTAMPTZ(3),
    "issued_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),
    "paid_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "invoices_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invoice_lines" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "stripe_line_id" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "quantity" INTEGER,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "proration" BOOLEAN NOT NULL DEFAULT false,
    "period_start" TIMESTAMPTZ(3),
    "period_end" TIMESTAMPTZ(3),

    CONSTRAINT "invoice_lines_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment_attempts" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "stripe_payment_intent_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "decline_code" TEXT,
    "message" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refunds" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "invoice_id" UUID,
    "signup_id" UUID,
    "stripe_refund_id" TEXT NOT NULL,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" TEXT NOT NULL,
    "failure_reason" TEXT,
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refunds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "credit_notes" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "stripe_credit_note_id" TEXT NOT NULL,
    "number" TEXT,
    "status" TEXT NOT NULL,
    "amount" INTEGER NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "credit_notes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stripe_events" (
    "id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "stripe_customer_id" TEXT,
    "payload" JSONB NOT NULL,
    "processed" BOOLEAN NOT NULL DEFAULT false,
    "outcome" TEXT,
    "error" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "processed_at" TIMESTAMPTZ(3),

    CONSTRAINT "stripe_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioning_jobs" (
    "id" UUID NOT NULL,
    "saga" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "customer_id" UUID,
    "status" "saga_status" NOT NULL DEFAULT 'queued',
    "state" JSONB NOT NULL DEFAULT '{}',
    "claim" INTEGER NOT NULL DEFAULT 0,
    "reason" TEXT,
    "wake_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "provisioning_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioning_steps" (
    "id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "customer_id" UUID,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "status" "step_status" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "detail" TEXT,
    "error_code" TEXT,
    "error" TEXT,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "provisioning_steps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "id" TEXT NOT NULL,
    "request_hash" TEXT NOT NULL,
    "status" INTEGER,
    "response" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_entries" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "source" TEXT NOT NULL,
    "level" "log_level" NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB,
    "job_id" UUID,
    "step_name" TEXT,
    "customer_id" UUID,
    "request_id" TEXT,

    CONSTRAINT "log_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customers" (
    "id" UUID NOT NULL,
    "company_name" TEXT NOT NULL,
    "full_name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "phone" TEXT,
    "country" CHAR(2),
    "tax_id" TEXT,
    "locale" TEXT NOT NULL DEFAULT 'es',
    "stripe_customer_id" TEXT,
    "status" "customer_status" NOT NULL DEFAULT 'pending',
    "notes" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "customers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tunnels" (
    "id" UUID NOT NULL,
    "cloudflare_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "wanted_version" INTEGER NOT NULL DEFAULT 0,
    "applied_version" INTEGER NOT NULL DEFAULT 0,
    "applied_hash" TEXT,
    "applied_at" TIMESTAMPTZ(3),
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tunnels_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "base_domains" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "zone_id" TEXT NOT NULL,
    "tunnel_id" UUID NOT NULL,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "base_domains_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "edge_hosts" (
    "id" UUID NOT NULL,
    "tunnel_id" UUID NOT NULL,
    "hostname" TEXT NOT NULL,
    "path" TEXT,
    "service" TEXT NOT NULL,
    "adopted" BOOLEAN NOT NULL DEFAULT false,
    "position" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "edge_hosts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dns_records" (
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "tenant_id" UUID,
    "zone_id" TEXT NOT NULL,
    "cloudflare_dns_record_id" TEXT,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "dns_records_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "full_name" TEXT NOT NULL,
    "locale" TEXT NOT NULL DEFAULT 'es',
    "timezone" TEXT,
    "status" "user_status" NOT NULL DEFAULT 'active',
    "staff_role_id" UUID,
    "email_verified_at" TIMESTAMPTZ(3),
    "last_login_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_credentials" (
    "user_id" UUID NOT NULL,
    "password_hash" TEXT,
    "password_set_at" TIMESTAMPTZ(3),
    "totp_secret" TEXT,
    "totp_enabled_at" TIMESTAMPTZ(3),
    "totp_last_step" BIGINT,

    CONSTRAINT "user_credentials_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "recovery_codes" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "code_hash" TEXT NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "recovery_codes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "roles" (
    "id" UUID NOT NULL,
    "kind" "role_kind" NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "permissions" TEXT[],
    "built_in" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "roles_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "role_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "side" "session_side" NOT NULL,
    "customer_id" UUID,
    "ip" TEXT,
    "user_agent" TEXT,
    "second_factor_at" TIMESTAMPTZ(3),
    "step_up_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_tokens" (
    "id" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "purpose" "user_token_purpose" NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_tokens" (
    "id" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "user_id" UUID,
    "customer_id" UUID,
    "scopes" TEXT[],
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "proxmox_clusters" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "region" TEXT NOT NULL DEFAULT 'default',
    "vmid_min" INTEGER NOT NULL DEFAULT 200,
    "vmid_max" INTEGER NOT NULL DEFAULT 8999,
    "template_vmid" INTEGER NOT NULL,
    "odoo_version" TEXT NOT NULL,
    "template_prefix" TEXT NOT NULL,
    "rootfs_storage" TEXT NOT NULL,
    "backup_storage" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "proxmox_clusters_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "proxmox_nodes" (
    "id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "api_url" TEXT NOT NULL,
    "api_fingerprint" TEXT NOT NULL,
    "ssh_host" TEXT NOT NULL,
    "ssh_port" INTEGER NOT NULL DEFAULT 22,
    "ssh_user" TEXT NOT NULL DEFAULT 'root',
    "ssh_host_key" TEXT NOT NULL,
    "proxmox_version" TEXT,
    "cpu_total" INTEGER NOT NULL,
    "ram_total_mb" INTEGER NOT NULL,
    "disk_total_gb" INTEGER NOT NULL,
    "cpu_overcommit" DECIMAL(5,2) NOT NULL DEFAULT 4,
    "ram_overcommit" DECIMAL(5,2) NOT NULL DEFAULT 1,
    "disk_overcommit" DECIMAL(5,2) NOT NULL DEFAULT 1,
    "max_containers" INTEGER NOT NULL DEFAULT 50,
    "priority" INTEGER NOT NULL DEFAULT 100,
    "status" "node_status" NOT NULL DEFAULT 'online',
    "last_seen_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "proxmox_nodes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "node_credentials" (
    "node_id" UUID NOT NULL,
    "api_token" TEXT NOT NULL,

    CONSTRAINT "node_credentials_pkey" PRIMARY KEY ("node_id")
);

-- CreateTable
CREATE TABLE "address_pools" (
    "id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "bridge" TEXT NOT NULL,
    "vlan" INTEGER,
    "network" TEXT NOT NULL,
    "gateway" TEXT NOT NULL,

    CONSTRAINT "address_pools_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ip_addresses" (
    "id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "container_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ip_addresses_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lxc_containers" (
    "id" UUID NOT NULL,
    "cluster_id" UUID NOT NULL,
    "node_id" UUID NOT NULL,
    "vmid" INTEGER NOT NULL,
    "hostname" TEXT NOT NULL,
    "purpose" "container_purpose" NOT NULL,
    "odoo_version" TEXT,
    "cpu_cores" INTEGER NOT NULL,
    "ram_mb" INTEGER NOT NULL,
    "disk_gb" INTEGER NOT NULL,
    "ip_address" TEXT,
    "slots" INTEGER NOT NULL DEFAULT 1,
    "status" "container_status" NOT NULL DEFAULT 'provisioning',
    "created_by_job_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "lxc_containers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "resource_metrics" (
    "id" UUID NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "node_id" UUID,
    "container_id" UUID,
    "tenant_id" UUID,
    "customer_id" UUID,
    "cpu_fraction" DOUBLE PRECISION,
    "ram_mb" INTEGER,
    "disk_gb" DOUBLE PRECISION,
    "network_in_kb" DOUBLE PRECISION,
    "network_out_kb" DOUBLE PRECISION,
    "latency_ms" INTEGER,

    CONSTRAINT "resource_metrics_pkey" PRIMARY KEY ("id","recorded_at")
) PARTITION BY RANGE ("recorded_at");

-- CreateTable
CREATE TABLE "audit_log" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    "actor_kind" TEXT NOT NULL,
    "actor_id" UUID,
    "actor_label" TEXT NOT NULL,
    "acting_as_id" UUID,
    "customer_id" UUID,
    "action" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT,
    "before" JSONB,
    "after" JSONB,
    "ip" TEXT,
    "request_id" TEXT,
    "sequence" BIGINT,
    "previous_hash" TEXT,
    "hash" TEXT,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "vendor_calls" (
    "id" UUID NOT NULL,
    "vendor" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "key" TEXT,
    "job_id" UUID,
    "step_name" TEXT,
    "customer_id" UUID,
    "subject_id" UUID,
    "status" "call_status" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "request" JSONB,
    "response" JSONB,
    "http_status" INTEGER,
    "error" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "vendor_calls_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "email_messages" (
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "user_id" UUID,
    "template" TEXT NOT NULL,
    "locale" TEXT NOT NULL,
    "to_address" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "dedupe_key" TEXT,
    "status" "email_status" NOT NULL DEFAULT 'queued',
    "message_id" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "email_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notifications" (
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "user_id" UUID,
    "permission" TEXT,
    "kind" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "href" TEXT,
    "dedupe_key" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "read_at" TIMESTAMPTZ(3),

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alerts" (
    "id" UUID NOT NULL,
    "rule" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "severity" "alert_severity" NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by" UUID,
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "alerts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "plans" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "name" TEXT NOT NULL,
    "isolation" "isolation" NOT NULL,
    "cpu_cores" INTEGER NOT NULL,
    "ram_mb" INTEGER NOT NULL,
    "disk_gb" INTEGER NOT NULL,
    "backup_interval_hours" INTEGER NOT NULL,
    "support_channel" TEXT NOT NULL,
    "sla_basis_points" INTEGER NOT NULL,
    "position" INTEGER NOT NULL DEFAULT 0,
    "published" BOOLEAN NOT NULL DEFAULT true,
    "purchasable" BOOLEAN NOT NULL DEFAULT true,
    "highlighted" BOOLEAN NOT NULL DEFAULT false,
    "stripe_product_id" TEXT,
    "replaced_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "plans_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "plan_prices" (
    "id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "interval" "price_interval" NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" INTEGER NOT NULL,
    "stripe_price_id" TEXT,

    CONSTRAINT "plan_prices_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "signups" (
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "plan_id" UUID NOT NULL,
    "interval" "price_interval" NOT NULL DEFAULT 'month',
    "company_name" TEXT NOT NULL,
    "full_name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "country" CHAR(2),
    "locale" TEXT NOT NULL DEFAULT 'es',
    "slug" TEXT NOT NULL,
    "status" "signup_status" NOT NULL DEFAULT 'open',
    "ip" TEXT,
    "tenant_id" UUID,
    "paid_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "signups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "checkout_sessions" (
    "id" UUID NOT NULL,
    "signup_id" UUID NOT NULL,
    "stripe_checkout_session_id" TEXT,
    "attempt" INTEGER NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "payment_status" TEXT,
    "stripe_subscription_id" TEXT,
    "stripe_customer_id" TEXT,
    "url" TEXT,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkout_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "name_reservations" (
    "slug" TEXT NOT NULL,
    "signup_id" UUID,
    "tenant_id" UUID,
    "ip" TEXT,
    "expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "name_reservations_pkey" PRIMARY KEY ("slug")
);

-- CreateTable
CREATE TABLE "tenant_deployments" (
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID,
    "plan_id" UUID NOT NULL,
    "base_domain_id" UUID NOT NULL,
    "container_id" UUID,
    "kind" "tenant_kind" NOT NULL DEFAULT 'saas',
    "subdomain" TEXT NOT NULL,
    "database_name" TEXT NOT NULL,
    "isolation" "isolation" NOT NULL,
    "status" "tenant_status" NOT NULL DEFAULT 'requested',
    "status_reason" TEXT,
    "suspension_reason" "suspension_reason",
    "previous_status" "tenant_status",
    "published" BOOLEAN NOT NULL DEFAULT false,
    "locale" TEXT NOT NULL DEFAULT 'es',
    "country" CHAR(2),
    "probe_misses" INTEGER NOT NULL DEFAULT 0,
    "queued_at" TIMESTAMPTZ(3),
    "activated_at" TIMESTAMPTZ(3),
    "delete_after" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tenant_deployments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant_secrets" (
    "tenant_id" UUID NOT NULL,
    "admin_login" TEXT NOT NULL,
    "admin_password" TEXT NOT NULL,
    "revealed_at" TIMESTAMPTZ(3),

    CONSTRAINT "tenant_secrets_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "cleanup_items" (
    "id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "target" JSONB NOT NULL,
    "status" "cleanup_status" NOT NULL DEFAULT 'open',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "done_at" TIMESTAMPTZ(3),

    CONSTRAINT "cleanup_items_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "system_config" (
    "key" TEXT NOT NULL,
    "category" TEXT NOT NULL,
    "value" JSONB,
    "secret_value" TEXT,
    "is_secret" BOOLEAN NOT NULL DEFAULT false,
    "version" INTEGER NOT NULL DEFAULT 1,
    "updated_by" UUID,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "system_config_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "backups_tenant_id_started_at_idx" ON "backups"("tenant_id", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "subscriptions_stripe_subscription_id_key" ON "subscriptions"("stripe_subscription_id");

-- CreateIndex
CREATE INDEX "subscriptions_status_idx" ON "subscriptions"("status");

-- CreateIndex
CREATE INDEX "subscriptions_plan_id_idx" ON "subscriptions"("plan_id");

-- CreateIndex
CREATE UNIQUE INDEX "subscriptions_customer_id_id_key" ON "subscriptions"("customer_id", "id");

-- CreateIndex
CREATE INDEX "mrr_movements_at_idx" ON "mrr_movements"("at");

-- CreateIndex
CREATE INDEX "mrr_movements_customer_id_at_idx" ON "mrr_movements"("customer_id", "at");

-- CreateIndex
CREATE INDEX "mrr_movements_subscription_id_at_idx" ON "mrr_movements"("subscription_id", "at");

-- CreateIndex
CREATE UNIQUE INDEX "invoices_stripe_invoice_id_key" ON "invoices"("stripe_invoice_id");

-- CreateIndex
CREATE INDEX "invoices_customer_id_created_at_idx" ON "invoices"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "invoices_status_created_at_idx" ON "invoices"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "invoices_customer_id_id_key" ON "invoices"("customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "invoice_lines_invoice_id_stripe_line_id_key" ON "invoice_lines"("invoice_id", "stripe_line_id");

-- CreateIndex
CREATE UNIQUE INDEX "payment_attempts_invoice_id_stripe_payment_intent_id_status_key" ON "payment_attempts"("invoice_id", "stripe_payment_intent_id", "status");

-- CreateIndex
CREATE UNIQUE INDEX "refunds_stripe_refund_id_key" ON "refunds"("stripe_refund_id");

-- CreateIndex
CREATE INDEX "refunds_customer_id_created_at_idx" ON "refunds"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "refunds_signup_id_idx" ON "refunds"("signup_id");

-- CreateIndex
CREATE UNIQUE INDEX "credit_notes_stripe_credit_note_id_key" ON "credit_notes"("stripe_credit_note_id");

-- CreateIndex
CREATE UNIQUE INDEX "stripe_events_event_id_key" ON "stripe_events"("event_id");

-- CreateIndex
CREATE INDEX "stripe_events_processed_received_at_idx" ON "stripe_events"("processed", "received_at");

-- CreateIndex
CREATE INDEX "stripe_events_received_at_idx" ON "stripe_events"("received_at");

-- CreateIndex
CREATE INDEX "stripe_events_stripe_customer_id_received_at_idx" ON "stripe_events"("stripe_customer_id", "received_at");

-- CreateIndex
CREATE INDEX "provisioning_jobs_subject_id_created_at_idx" ON "provisioning_jobs"("subject_id", "created_at");

-- CreateIndex
CREATE INDEX "provisioning_jobs_customer_id_created_at_idx" ON "provisioning_jobs"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "provisioning_jobs_status_updated_at_idx" ON "provisioning_jobs"("status", "updated_at");

-- CreateIndex
CREATE INDEX "provisioning_steps_name_finished_at_idx" ON "provisioning_steps"("name", "finished_at");

-- CreateIndex
CREATE UNIQUE INDEX "provisioning_steps_job_id_position_key" ON "provisioning_steps"("job_id", "position");

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- CreateIndex
CREATE INDEX "log_entries_job_id_at_idx" ON "log_entries"("job_id", "at");

-- CreateIndex
CREATE INDEX "log_entries_source_level_at_idx" ON "log_entries"("source", "level", "at");

-- CreateIndex
CREATE INDEX "log_entries_at_idx" ON "log_entries"("at");

-- CreateIndex
CREATE UNIQUE INDEX "customers_stripe_customer_id_key" ON "customers"("stripe_customer_id");

-- CreateIndex
CREATE INDEX "customers_status_created_at_idx" ON "customers"("status", "created_at");

-- CreateIndex
CREATE INDEX "customers_email_idx" ON "customers"("email");

-- CreateIndex
CREATE UNIQUE INDEX "tunnels_cloudflare_id_key" ON "tunnels"("cloudflare_id");

-- CreateIndex
CREATE UNIQUE INDEX "base_domains_name_key" ON "base_domains"("name");

-- CreateIndex
CREATE UNIQUE INDEX "edge_hosts_tunnel_id_hostname_path_key" ON "edge_hosts"("tunnel_id", "hostname", "path");

-- CreateIndex
CREATE INDEX "dns_records_tenant_id_idx" ON "dns_records"("tenant_id");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE INDEX "users_staff_role_id_idx" ON "users"("staff_role_id");

-- CreateIndex
CREATE UNIQUE INDEX "recovery_codes_user_id_code_hash_key" ON "recovery_codes"("user_id", "code_hash");

-- CreateIndex
CREATE UNIQUE INDEX "roles_kind_key_key" ON "roles"("kind", "key");

-- CreateIndex
CREATE INDEX "memberships_customer_id_idx" ON "memberships"("customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "memberships_user_id_customer_id_key" ON "memberships"("user_id", "customer_id");

-- CreateIndex
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");

-- CreateIndex
CREATE INDEX "sessions_expires_at_idx" ON "sessions"("expires_at");

-- CreateIndex
CREATE INDEX "user_tokens_user_id_purpose_idx" ON "user_tokens"("user_id", "purpose");

-- CreateIndex
CREATE INDEX "api_tokens_user_id_idx" ON "api_tokens"("user_id");

-- CreateIndex
CREATE INDEX "api_tokens_customer_id_idx" ON "api_tokens"("customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "proxmox_clusters_name_key" ON "proxmox_clusters"("name");

-- CreateIndex
CREATE UNIQUE INDEX "proxmox_nodes_cluster_id_name_key" ON "proxmox_nodes"("cluster_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "address_pools_cluster_id_name_key" ON "address_pools"("cluster_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "ip_addresses_container_id_key" ON "ip_addresses"("container_id");

-- CreateIndex
CREATE UNIQUE INDEX "ip_addresses_pool_id_address_key" ON "ip_addresses"("pool_id", "address");

-- CreateIndex
CREATE INDEX "lxc_containers_node_id_status_idx" ON "lxc_containers"("node_id", "status");

-- CreateIndex
CREATE INDEX "lxc_containers_cluster_id_vmid_idx" ON "lxc_containers"("cluster_id", "vmid");

-- CreateIndex
CREATE INDEX "resource_metrics_node_id_recorded_at_idx" ON "resource_metrics"("node_id", "recorded_at");

-- CreateIndex
CREATE INDEX "resource_metrics_container_id_recorded_at_idx" ON "resource_metrics"("container_id", "recorded_at");

-- CreateIndex
CREATE INDEX "resource_metrics_tenant_id_recorded_at_idx" ON "resource_metrics"("tenant_id", "recorded_at");

-- CreateIndex
CREATE UNIQUE INDEX "audit_log_sequence_key" ON "audit_log"("sequence");

-- CreateIndex
CREATE INDEX "audit_log_subject_type_subject_id_at_idx" ON "audit_log"("subject_type", "subject_id", "at");

-- CreateIndex
CREATE INDEX "audit_log_customer_id_at_idx" ON "audit_log"("customer_id", "at");

-- CreateIndex
CREATE INDEX "audit_log_actor_id_at_idx" ON "audit_log"("actor_id", "at");

-- CreateIndex
CREATE INDEX "audit_log_action_at_idx" ON "audit_log"("action", "at");

-- CreateIndex
CREATE INDEX "vendor_calls_job_id_started_at_idx" ON "vendor_calls"("job_id", "started_at");

-- CreateIndex
CREATE INDEX "vendor_calls_subject_id_started_at_idx" ON "vendor_calls"("subject_id", "started_at");

-- CreateIndex
CREATE INDEX "vendor_calls_status_started_at_idx" ON "vendor_calls"("status", "started_at");

-- CreateIndex
CREATE INDEX "vendor_calls_vendor_started_at_idx" ON "vendor_calls"("vendor", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "email_messages_dedupe_key_key" ON "email_messages"("dedupe_key");

-- CreateIndex
CREATE INDEX "email_messages_customer_id_created_at_idx" ON "email_messages"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "email_messages_status_created_at_idx" ON "email_messages"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_dedupe_key_key" ON "notifications"("dedupe_key");

-- CreateIndex
CREATE INDEX "notifications_customer_id_created_at_idx" ON "notifications"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "notifications_user_id_created_at_idx" ON "notifications"("user_id", "created_at");

-- CreateIndex
CREATE INDEX "notifications_created_at_idx" ON "notifications"("created_at");

-- CreateIndex
CREATE INDEX "alerts_closed_at_opened_at_idx" ON "alerts"("closed_at", "opened_at");

-- CreateIndex
CREATE INDEX "alerts_rule_subject_type_subject_id_idx" ON "alerts"("rule", "subject_type", "subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "plans_key_version_key" ON "plans"("key", "version");

-- CreateIndex
CREATE UNIQUE INDEX "plan_prices_stripe_price_id_key" ON "plan_prices"("stripe_price_id");

-- CreateIndex
CREATE UNIQUE INDEX "plan_prices_plan_id_interval_currency_key" ON "plan_prices"("plan_id", "interval", "currency");

-- CreateIndex
CREATE INDEX "signups_email_idx" ON "signups"("email");

-- CreateIndex
CREATE INDEX "signups_status_created_at_idx" ON "signups"("status", "created_at");

-- CreateIndex
CREATE INDEX "signups_customer_id_idx" ON "signups"("customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "checkout_sessions_stripe_checkout_session_id_key" ON "checkout_sessions"("stripe_checkout_session_id");

-- CreateIndex
CREATE INDEX "checkout_sessions_status_expires_at_idx" ON "checkout_sessions"("status", "expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "checkout_sessions_signup_id_attempt_key" ON "checkout_sessions"("signup_id", "attempt");

-- CreateIndex
CREATE UNIQUE INDEX "name_reservations_signup_id_key" ON "name_reservations"("signup_id");

-- CreateIndex
CREATE UNIQUE INDEX "name_reservations_tenant_id_key" ON "name_reservations"("tenant_id");

-- CreateIndex
CREATE INDEX "name_reservations_expires_at_idx" ON "name_reservations"("expires_at");

-- CreateIndex
CREATE INDEX "name_reservations_ip_idx" ON "name_reservations"("ip");

-- CreateIndex
CREATE INDEX "tenant_deployments_customer_id_created_at_idx" ON "tenant_deployments"("customer_id", "created_at");

-- CreateIndex
CREATE INDEX "tenant_deployments_status_created_at_idx" ON "tenant_deployments"("status", "created_at");

-- CreateIndex
CREATE INDEX "tenant_deployments_container_id_idx" ON "tenant_deployments"("container_id");

-- CreateIndex
CREATE INDEX "tenant_deployments_created_at_idx" ON "tenant_deployments"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "tenant_deployments_customer_id_id_key" ON "tenant_deployments"("customer_id", "id");

-- CreateIndex
CREATE INDEX "cleanup_items_status_created_at_idx" ON "cleanup_items"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "cleanup_items_job_id_kind_key" ON "cleanup_items"("job_id", "kind");

-- AddForeignKey
ALTER TABLE "backups" ADD CONSTRAINT "backups_customer_id_tenant_id_fkey" FOREIGN KEY ("customer_id", "tenant_id") REFERENCES "tenant_deployments"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mrr_movements" ADD CONSTRAINT "mrr_movements_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payment_attempts" ADD CONSTRAINT "payment_attempts_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "credit_notes" ADD CONSTRAINT "credit_notes_customer_id_invoice_id_fkey" FOREIGN KEY ("customer_id", "invoice_id") REFERENCES "invoices"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioning_steps" ADD CONSTRAINT "provisioning_steps_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioning_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "base_domains" ADD CONSTRAINT "base_domains_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "edge_hosts" ADD CONSTRAINT "edge_hosts_tunnel_id_fkey" FOREIGN KEY ("tunnel_id") REFERENCES "tunnels"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "users" ADD CONSTRAINT "users_staff_role_id_fkey" FOREIGN KEY ("staff_role_id") REFERENCES "roles"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_credentials" ADD CONSTRAINT "user_credentials_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "recovery_codes" ADD CONSTRAINT "recovery_codes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_role_id_fkey" FOREIGN KEY ("role_id") REFERENCES "roles"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_tokens" ADD CONSTRAINT "user_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "proxmox_nodes" ADD CONSTRAINT "proxmox_nodes_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "proxmox_clusters"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "node_credentials" ADD CONSTRAINT "node_credentials_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "address_pools" ADD CONSTRAINT "address_pools_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "proxmox_clusters"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ip_addresses" ADD CONSTRAINT "ip_addresses_pool_id_fkey" FOREIGN KEY ("pool_id") REFERENCES "address_pools"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ip_addresses" ADD CONSTRAINT "ip_addresses_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lxc_containers" ADD CONSTRAINT "lxc_containers_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "proxmox_nodes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "plan_prices" ADD CONSTRAINT "plan_prices_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "signups" ADD CONSTRAINT "signups_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "signups" ADD CONSTRAINT "signups_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkout_sessions" ADD CONSTRAINT "checkout_sessions_signup_id_fkey" FOREIGN KEY ("signup_id") REFERENCES "signups"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "name_reservations" ADD CONSTRAINT "name_reservations_signup_id_fkey" FOREIGN KEY ("signup_id") REFERENCES "signups"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_customer_id_subscription_id_fkey" FOREIGN KEY ("customer_id", "subscription_id") REFERENCES "subscriptions"("customer_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_base_domain_id_fkey" FOREIGN KEY ("base_domain_id") REFERENCES "base_domains"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_deployments" ADD CONSTRAINT "tenant_deployments_container_id_fkey" FOREIGN KEY ("container_id") REFERENCES "lxc_containers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant_secrets" ADD CONSTRAINT "tenant_secrets_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant_deployments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateIndex
CREATE INDEX "tenant_deployments_slug_trgm" ON "tenant_deployments" USING GIN ("subdomain" gin_trgm_ops);
