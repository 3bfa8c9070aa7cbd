import { m } from '#i18n/paraglide/messages.js';
import { comparedWords, driftSides, type Side } from '#lib/logs/driftWords.ts';

/** What differs, and what can be done about it. */
const KINDS: Record<string, { label: () => string; advice: () => string }> = {
	'infrastructure.missing': { label: m.cdrift_missing, advice: m.cdrift_missing_advice },
	'infrastructure.stranger': { label: m.cdrift_stranger, advice: m.cdrift_stranger_advice },
	'infrastructure.moved': { label: m.cdrift_moved, advice: m.cdrift_moved_advice },
	'infrastructure.limits': { label: m.cdrift_limits, advice: m.cdrift_limits_advice },
	'infrastructure.stopped': { label: m.cdrift_stopped, advice: m.cdrift_stopped_advice },
	'infrastructure.running': { label: m.cdrift_running, advice: m.cdrift_running_advice },
	'infrastructure.mark': { label: m.cdrift_mark, advice: m.cdrift_mark_advice },
	'infrastructure.address': { label: m.cdrift_address, advice: m.cdrift_address_advice },
	'infrastructure.address-twice': {
		label: m.cdrift_address_twice,
		advice: m.cdrift_address_twice_advice
	},
	'infrastructure.template': { label: m.cdrift_template, advice: m.cdrift_template_advice },
	'infrastructure.ha-missing': { label: m.cdrift_ha_missing, advice: m.cdrift_ha_missing_advice },
	'infrastructure.ha-error': { label: m.cdrift_ha_error, advice: m.cdrift_ha_error_advice }
};

export function clusterDriftKind(kind: string): string {
	return KINDS[kind]?.label() ?? kind;
}

/** What repairing it does, or what a person can do. */
export function clusterDriftAdvice(kind: string): string {
	return KINDS[kind]?.advice() ?? '';
}

const CAUSES: Record<string, () => string> = {
	'destroyed-elsewhere': m.cdrift_cause_destroyed,
	'vmid-taken': m.cdrift_cause_vmid_taken,
	'moved-elsewhere': m.cdrift_cause_moved,
	failover: m.cdrift_cause_failover,
	'ha-gave-up': m.cdrift_cause_ha_gave_up,
	'ha-nowhere': m.cdrift_cause_ha_nowhere,
	'stopped-elsewhere': m.cdrift_cause_stopped,
	'started-elsewhere': m.cdrift_cause_started,
	'changed-elsewhere': m.cdrift_cause_changed,
	'other-container': m.cdrift_cause_other_container,
	'other-mark': m.cdrift_cause_other_mark,
	'mark-gone': m.cdrift_cause_mark_gone,
	'other-installation': m.cdrift_cause_other_installation,
	'foreign-template': m.cdrift_cause_foreign_template,
	'made-elsewhere': m.cdrift_cause_made,
	'address-taken': m.cdrift_cause_address_taken,
	'not-a-template': m.cdrift_cause_not_a_template,
	'made-template': m.cdrift_cause_made_template
};

export function clusterDriftCause(cause: string | null): string {
	return (cause && CAUSES[cause]?.()) || m.drift_cause_unknown();
}

const FIELDS: Record<string, () => string> = {
	node: m.cdrift_field_node,
	status: m.cdrift_field_status,
	hostname: m.cdrift_field_hostname,
	name: m.cdrift_field_hostname,
	address: m.cdrift_field_address,
	cpu_cores: m.cdrift_field_cpu,
	ram_mb: m.cdrift_field_ram,
	disk_gb: m.cdrift_field_disk,
	template: m.cdrift_field_template,
	type: m.cdrift_field_type,
	mark: m.cdrift_field_mark,
	root: m.cdrift_field_root,
	ha_state: m.cdrift_field_ha_state,
	ha_nodes: m.cdrift_field_ha_nodes,
	ha_copy: m.cdrift_field_ha_copy,
	vmid: () => 'VMID'
};

const VALUES: Record<string, () => string> = {
	running: m.container_status_running,
	stopped: m.container_status_stopped,
	true: m.ui_yes,
	false: m.ui_no
};

/** Each field that differs, named and written as the rest of the product does. */
export function clusterDriftSides(drift: { ours: unknown; theirs: unknown }): Side[] {
	const value = (field: string, text: string) => {
		if (field === 'cpu_cores' && text === '0') return m.cdrift_unlimited();
		return VALUES[text]?.() ?? text;
	};
	return driftSides(drift).map(({ field, ours, theirs }) => ({
		field: FIELDS[field]?.() ?? field,
		ours: value(field, ours),
		theirs: value(field, theirs)
	}));
}

const COMPARED: Record<string, (count: number) => string> = {
	clusters: (count) => m.cdrift_compared_clusters({ count }),
	containers: (count) => m.cdrift_compared_containers({ count }),
	guests: (count) => m.cdrift_compared_guests({ count }),
	configs: (count) => m.cdrift_compared_configs({ count })
};

/** "1 clúster, 40 contenedores …" of what a look compared. */
export function clusterCompared(compared: unknown): string {
	return comparedWords(compared, COMPARED);
}
