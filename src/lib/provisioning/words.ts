import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';

const STEPS: Record<string, () => string> = {
	place: () => m.setup_step_place(),
	container: () => m.setup_step_container(),
	database: () => m.setup_step_database(),
	dns: () => m.setup_step_dns(),
	ingress: () => m.setup_step_ingress(),
	verify: () => m.setup_step_verify(),
	activate: () => m.setup_step_activate()
};

/** A step of the set-up as customers read it. */
export function stepLabel(name: string): string {
	return STEPS[name]?.() ?? name;
}

const STATUSES: Record<string, { label: () => string; tone: Tone }> = {
	requested: { label: () => m.instance_status_requested(), tone: 'info' },
	waiting_capacity: { label: () => m.instance_status_waiting_capacity(), tone: 'warning' },
	provisioning: { label: () => m.instance_status_provisioning(), tone: 'info' },
	enrolling: { label: () => m.instance_status_enrolling(), tone: 'info' },
	active: { label: () => m.instance_status_active(), tone: 'success' },
	degraded: { label: () => m.instance_status_degraded(), tone: 'warning' },
	suspended: { label: () => m.instance_status_suspended(), tone: 'danger' },
	migrating: { label: () => m.instance_status_migrating(), tone: 'info' },
	failed: { label: () => m.instance_status_failed(), tone: 'danger' },
	refunded: { label: () => m.instance_status_refunded(), tone: 'neutral' },
	deleting: { label: () => m.instance_status_deleting(), tone: 'warning' },
	deleted: { label: () => m.instance_status_deleted(), tone: 'neutral' }
};

/** A tenant's state as a word and a tone. */
export function instanceStatus(status: string): { label: string; tone: Tone } {
	const known = STATUSES[status];
	return known ? { label: known.label(), tone: known.tone } : { label: status, tone: 'neutral' };
}
