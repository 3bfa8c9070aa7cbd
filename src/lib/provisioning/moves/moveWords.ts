import { m } from '#i18n/paraglide/messages.js';

/**
 * Why something cannot be moved now: `busy` (a run, an act, a backup or another move is at it) · `adopted` · `template` ·
 * `postgres` (others have their databases in it) · `warm` (made
 * ahead for nobody yet) · `being_made` · `retiring` · `not_running` (it should, and does not) ·
 * `offline` (its own node does not answer) · `same_node` · `other_cluster` · `no_room` · `ha` (high availability allows its
 * second node alone).
 */
export type MoveRefusal = keyof typeof REFUSALS;

const REFUSALS = {
	busy: m.move_refusal_busy,
	adopted: m.move_refusal_adopted,
	template: m.move_refusal_template,
	postgres: m.move_refusal_postgres,
	warm: m.move_refusal_warm,
	being_made: m.move_refusal_being_made,
	retiring: m.move_refusal_retiring,
	not_running: m.move_refusal_not_running,
	offline: m.move_refusal_offline,
	same_node: m.move_refusal_same_node,
	other_cluster: m.move_refusal_other_cluster,
	no_room: (values: { why?: string }, options: Language = {}) =>
		m.move_refusal_no_room({ why: values.why ?? '' }, options),
	ha: m.move_refusal_ha
};

export function isMoveRefusal(code: string): code is MoveRefusal {
	return Object.hasOwn(REFUSALS, code);
}

/** @param why of `no_room`: what placement says of each node */
export function moveRefusalSentence(refusal: MoveRefusal, why = ''): string {
	return REFUSALS[refusal]({ why }).trim();
}

type Language = { locale?: 'es' | 'en' };

const TROUBLES: Record<string, (values: object, options: Language) => string> = {
	locked: m.move_trouble_locked,
	task_running: m.move_trouble_task_running,
	node_offline: m.move_trouble_node_offline,
	no_quorum: m.move_trouble_no_quorum,
	migrating: m.move_trouble_migrating,
	ha_moves: m.move_trouble_ha_moves,
	not_yet: m.move_trouble_not_yet,
	room_comes: m.move_trouble_room_comes,
	gone: m.move_trouble_gone,
	not_ours: m.move_trouble_not_ours,
	elsewhere: m.move_trouble_elsewhere,
	not_running: m.move_trouble_not_running,
	target_offline: m.move_trouble_target_offline,
	target_maintenance: m.move_trouble_target_maintenance,
	older: m.move_trouble_older,
	storage_missing: m.move_trouble_storage_missing,
	storage_full: m.move_trouble_storage_full,
	bridge_missing: m.move_trouble_bridge_missing,
	clock: m.move_trouble_clock,
	not_allowed: m.move_trouble_not_allowed,
	backup_failed: m.move_trouble_backup_failed,
	edge: m.move_trouble_edge,
	task_failed: m.move_trouble_task_failed,
	refused: m.move_trouble_refused,
	unknown: m.move_trouble_unknown,
	odoo_silent: m.move_trouble_odoo_silent,
	cancelled: m.move_trouble_cancelled,
	given_up: m.move_trouble_given_up,
	undo_failed: m.move_trouble_undo_failed,
	failed: m.move_trouble_failed
};

/**
 * Why a container's move waits, failed or was turned back: our sentence, and the vendor's own words where it said some.
 * @param stored `code`, or `code: words`
 * @returns null for what has no code of a container's move
 */
export function containerMoveTrouble(
	stored: string,
	options: Language = {}
): { sentence: string; technical: string | null } | null {
	if (isMoveRefusal(stored))
		return { sentence: REFUSALS[stored]({}, options).trim(), technical: null };
	const cut = stored.indexOf(':');
	const sentence = TROUBLES[cut < 0 ? stored : stored.slice(0, cut)];
	if (!sentence) return null;
	return {
		sentence: sentence({}, options),
		technical: cut < 0 ? null : stored.slice(cut + 1).trim()
	};
}

/** The same in both languages, for notices that are read later. */
export function troubleInBoth(stored: string): { why_es: string; why_en: string } {
	const said = (locale: 'es' | 'en') => {
		const trouble = containerMoveTrouble(stored, { locale });
		return [trouble?.sentence ?? stored, trouble?.technical].filter(Boolean).join(' ');
	};
	return { why_es: said('es'), why_en: said('en') };
}

/** What is kept of a failure: as it is when it begins with a code of ours, else under `failed`. */
export function troubleText(message: string): string {
	const code = message.split(':')[0] ?? '';
	return code in TROUBLES ? message : `failed: ${message}`;
}
