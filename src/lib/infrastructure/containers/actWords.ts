import { m } from '#i18n/paraglide/messages.js';
import { CONTAINER_ACTS } from '#lib/notifications/sentenceParts.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { ContainerActStatus } from '#prisma/generated/enums.ts';
import type { ActName } from './actForms.ts';
import type { ActRefusal } from './actRules.ts';

const ACTS: Record<ActName, () => string> = CONTAINER_ACTS;

export const ACT_NAMES = Object.keys(ACTS).filter(isActName);

export function isActName(act: string): act is ActName {
	return Object.hasOwn(ACTS, act);
}

/** The verb: "Reiniciar". */
export function actLabel(act: string): string {
	return isActName(act) ? ACTS[act]() : act;
}

const STATUSES: Record<ContainerActStatus, { label: () => string; tone: Tone }> = {
	queued: { label: m.container_act_queued, tone: 'info' },
	running: { label: m.container_act_running, tone: 'info' },
	succeeded: { label: m.container_act_succeeded, tone: 'success' },
	failed: { label: m.container_act_failed, tone: 'danger' }
};

export const ACT_STATUSES = Object.keys(STATUSES).filter(isActStatus);

export function isActStatus(status: string): status is ContainerActStatus {
	return Object.hasOwn(STATUSES, status);
}

export function actStatus(status: ContainerActStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

const REFUSALS: Record<ActRefusal, () => string> = {
	template: m.container_refusal_template,
	being_made: m.container_refusal_being_made,
	retiring: m.container_refusal_retiring,
	adopted: m.container_refusal_adopted,
	warm: m.container_refusal_warm,
	held: m.container_refusal_held,
	backup: m.container_refusal_backup,
	needed: m.container_refusal_needed,
	busy: m.container_refusal_busy,
	moving: m.container_refusal_moving
};

export function refusalSentence(refusal: ActRefusal): string {
	return REFUSALS[refusal]();
}

const TROUBLE: Record<string, () => string> = {
	locked: m.container_trouble_locked,
	task_running: m.container_trouble_task_running,
	node_offline: m.container_trouble_node_offline,
	no_quorum: m.container_trouble_no_quorum,
	held: m.container_trouble_held,
	needed: m.container_refusal_needed,
	not_yet: m.container_trouble_not_yet,
	gone: m.container_trouble_gone,
	not_ours: m.container_trouble_not_ours,
	snapshot_exists: m.container_trouble_snapshot_exists,
	snapshot_gone: m.container_trouble_snapshot_gone,
	newer_data: m.container_trouble_newer_data,
	task_failed: m.container_trouble_task_failed,
	ha_manager: m.container_trouble_ha_manager,
	ha_gave_up: m.container_trouble_ha_gave_up,
	replication_first: m.container_trouble_replication_first,
	room_comes: m.container_trouble_room_comes,
	no_room: m.error_no_room_to_grow,
	unknown: m.container_trouble_unknown,
	refused: m.container_trouble_refused,
	internal: m.container_trouble_internal
};

/** Why an act waits or has failed: our sentence, and Proxmox's own words where it said some. */
export function actTrouble(error: string): { sentence: string; technical: string | null } {
	const cut = error.indexOf(':');
	const code = cut < 0 ? error : error.slice(0, cut);
	const sentence = TROUBLE[code]?.() ?? m.container_trouble_internal();
	return { sentence, technical: cut < 0 ? null : error.slice(cut + 1).trim() };
}
