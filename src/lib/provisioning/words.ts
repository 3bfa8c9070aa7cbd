import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type {
	Isolation,
	SagaStatus,
	SuspensionReason,
	TenantStatus
} from '#prisma/generated/enums.ts';

/** How a state is shown: a word, a colour, and whether something moves. */
export interface Look {
	label: string;
	tone: Tone;
	pulse?: boolean;
}

const STATUSES: Record<TenantStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	requested: { label: m.tenant_status_requested, tone: 'neutral' },
	waiting_capacity: { label: m.tenant_status_waiting_capacity, tone: 'warning' },
	provisioning: { label: m.tenant_status_provisioning, tone: 'info', pulse: true },
	enrolling: { label: m.tenant_status_enrolling, tone: 'info', pulse: true },
	active: { label: m.tenant_status_active, tone: 'success' },
	degraded: { label: m.tenant_status_degraded, tone: 'warning' },
	suspended: { label: m.tenant_status_suspended, tone: 'warning' },
	migrating: { label: m.tenant_status_migrating, tone: 'info', pulse: true },
	failed: { label: m.tenant_status_failed, tone: 'danger' },
	refunded: { label: m.tenant_status_refunded, tone: 'neutral' },
	deleting: { label: m.tenant_status_deleting, tone: 'danger' },
	deleted: { label: m.tenant_status_deleted, tone: 'neutral' }
};

/** A tenant's state for Badge and StatusDot. */
export function tenantStatus(status: TenantStatus): Look {
	const { label, ...look } = STATUSES[status];
	return { ...look, label: label() };
}

export const TENANT_STATUSES = Object.keys(STATUSES).filter(isTenantStatus);

export function isTenantStatus(status: string): status is TenantStatus {
	return Object.hasOwn(STATUSES, status);
}

const RUNS: Record<SagaStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	queued: { label: m.run_status_queued, tone: 'neutral' },
	running: { label: m.run_status_running, tone: 'info', pulse: true },
	waiting: { label: m.run_status_waiting, tone: 'warning' },
	succeeded: { label: m.run_status_succeeded, tone: 'success' },
	failed: { label: m.run_status_failed, tone: 'danger' },
	compensating: { label: m.run_status_compensating, tone: 'warning', pulse: true },
	compensated: { label: m.run_status_compensated, tone: 'neutral' }
};

/** Where a run stands. */
export function runStatus(status: SagaStatus): Look {
	const { label, ...look } = RUNS[status];
	return { ...look, label: label() };
}

const STEPS: Record<string, () => string> = {
	place: m.tenant_step_place,
	container: m.tenant_step_container,
	database: m.tenant_step_database,
	dns: m.tenant_step_dns,
	ingress: m.tenant_step_ingress,
	verify: m.tenant_step_verify,
	activate: m.tenant_step_activate,
	grace: m.tenant_step_grace,
	backup: m.tenant_step_backup,
	unpublish: m.tenant_step_unpublish,
	remove: m.tenant_step_remove,
	preflight: m.copy_step_preflight,
	offair: m.copy_step_offair,
	migrate: m.move_step_migrate,
	start: m.move_step_start,
	pack: m.copy_step_pack,
	transfer: m.copy_step_transfer,
	load: m.copy_step_load,
	compare: m.copy_step_compare,
	switch: m.copy_step_switch,
	open: m.copy_step_open,
	onair: m.copy_step_onair,
	keep: m.copy_step_keep,
	finish: m.tenant_step_finish
};

/** A step in words; one that nobody named is shown by its own name. */
export function stepLabel(name: string): string {
	return STEPS[name]?.() ?? name;
}

/** What a run is for: `tenants.create`, `tenants.delete`. */
export function sagaLabel(name: string): string {
	if (name === 'tenants.create') return m.run_saga_create();
	if (name === 'containers.move') return m.run_saga_container_move();
	if (name === 'tenants.move') return m.run_saga_move();
	if (name === 'tenants.move-cleanup') return m.run_saga_move_cleanup();
	return name === 'tenants.delete' ? m.run_saga_delete() : name;
}

const SUSPENSIONS: Record<SuspensionReason, () => string> = {
	unpaid: m.tenant_suspension_unpaid,
	abuse: m.tenant_suspension_abuse,
	request: m.tenant_suspension_request,
	limit: m.tenant_suspension_limit
};

export const SUSPENSION_REASONS = Object.keys(SUSPENSIONS).filter(isSuspensionReason);

export function isSuspensionReason(reason: string): reason is SuspensionReason {
	return Object.hasOwn(SUSPENSIONS, reason);
}

export function suspensionLabel(reason: SuspensionReason): string {
	return SUSPENSIONS[reason]();
}

const ISOLATIONS: Record<Isolation, () => string> = {
	shared: m.tenant_isolation_shared,
	dedicated: m.tenant_isolation_dedicated,
	dedicated_ha: m.tenant_isolation_dedicated_ha
};

export function isolationLabel(isolation: Isolation): string {
	return ISOLATIONS[isolation]();
}
