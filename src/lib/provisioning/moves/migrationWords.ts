import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { Isolation, MoveStatus } from '#prisma/generated/enums.ts';
import { isolationLabel, type Look } from '../words.ts';
import type { TenantMoveRefusal } from './tenants/tenantMoveWords.ts';

const STATUSES: Record<MoveStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	planned: { label: m.move_status_planned, tone: 'neutral' },
	running: { label: m.move_status_running, tone: 'info', pulse: true },
	confirming: { label: m.move_status_confirming, tone: 'success' },
	succeeded: { label: m.move_status_succeeded, tone: 'success' },
	rolled_back: { label: m.move_status_rolled_back, tone: 'warning' },
	failed: { label: m.move_status_failed, tone: 'danger' },
	cancelled: { label: m.move_status_cancelled, tone: 'neutral' }
};

/** Where a move stands, for Badge. */
export function moveStatus(status: MoveStatus): Look {
	const { label, ...look } = STATUSES[status];
	return { ...look, label: label() };
}

const PLACES: Record<Isolation, () => string> = {
	shared: m.migration_place_shared,
	dedicated: m.migration_place_dedicated,
	dedicated_ha: m.migration_place_dedicated_ha
};

/** What an instance lives in, as its customer reads it. */
export function customerPlace(isolation: Isolation): string {
	return PLACES[isolation]();
}

/** Between which kinds of place an instance moved; within one kind, that it went to another server. */
export function placeChange(
	{ fromIsolation, toIsolation }: { fromIsolation: Isolation; toIsolation: Isolation },
	audience: 'staff' | 'customer'
): string {
	if (fromIsolation === toIsolation) return m.migration_same_kind();
	const place = audience === 'staff' ? isolationLabel : customerPlace;
	return m.migration_from_to({ from: place(fromIsolation), to: place(toIsolation) });
}

const AGAINST: Record<TenantMoveRefusal, typeof m.migration_against_no_room> = {
	no_room: m.migration_against_no_room,
	too_big: m.migration_against_too_big,
	busy: m.migration_against_busy,
	moving: m.migration_against_moving,
	kept: m.migration_against_kept,
	adopted: m.migration_against_adopted,
	postgres: m.migration_against_postgres,
	version: m.migration_against_version,
	state: m.migration_against_state,
	offline: m.migration_against_offline,
	same: m.migration_against_same
};

export function isTenantMoveRefusal(code: string): code is TenantMoveRefusal {
	return Object.hasOwn(AGAINST, code);
}

/** What speaks against a move, in words that staff and customers both understand. */
export function againstMove(
	reason: TenantMoveRefusal,
	options: { locale?: 'es' | 'en' } = {}
): string {
	return AGAINST[reason]({}, options);
}

const STEPS: Record<string, () => string> = {
	preflight: m.migration_step_preflight,
	place: m.migration_step_place,
	container: m.migration_step_container,
	backup: m.migration_step_backup,
	offair: m.migration_step_offair,
	pack: m.migration_step_pack,
	transfer: m.migration_step_copy,
	load: m.migration_step_load,
	compare: m.migration_step_compare,
	switch: m.migration_step_switch,
	open: m.migration_step_open,
	ingress: m.migration_step_address,
	keep: m.migration_step_keep,
	onair: m.migration_step_onair
};

/** A step of a move by its database as customers read it. */
export function migrationStep(name: string): string {
	return STEPS[name]?.() ?? m.migration_step_finish();
}
