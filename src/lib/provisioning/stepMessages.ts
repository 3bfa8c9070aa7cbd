import { m } from '#i18n/paraglide/messages.js';
import { isErrorCode, sentenceOf } from '#lib/core/errors.ts';
import { dateTime } from '#lib/ui/format.ts';
import { containerMoveTrouble } from './moves/moveWords.ts';

/** Who reads: BCP 47 tag and IANA zone, for dates. */
export interface Reader {
	locale: string;
	timeZone: string;
}

type Values = Record<string, string | number>;

interface Options {
	/** What a customer reads of it, without names of ours; nothing when absent. */
	forCustomers?: () => string;
}

function message<const K extends string>(
	names: readonly K[],
	sentence: (values: Record<K, string>, reader: Reader) => string,
	{ forCustomers }: Options = {}
) {
	return {
		names,
		forCustomers,
		/** A value that was never stored is shown as unknown, not refused: the rest of the sentence still says something. */
		say: (stored: Record<string, unknown>, reader: Reader) =>
			sentence(
				Object.fromEntries(names.map((name) => [name, String(stored[name] ?? '—')])) as Record<
					K,
					string
				>,
				reader
			)
	};
}

/** Everything that a step of a set-up or a deletion can say. The worker stores a code and values; words are made here. */
const MESSAGES = {
	placed: message(['node', 'vmid'], (v) => m.step_placed(v)),
	no_room: message([], () => m.step_no_room(), { forCustomers: m.step_no_room }),
	not_first: message([], () => m.step_not_first(), { forCustomers: m.step_not_first }),
	container_ready: message(['node', 'vmid'], (v) => m.step_container_ready(v)),
	container_clone_queue: message([], () => m.infrastructure_wait_clone_queue(), {
		forCustomers: m.step_container_in_queue
	}),
	container_task_running: message(['node', 'vmid'], (v) => m.step_container_task_running(v)),
	container_being_made: message(['node', 'vmid'], (v) => m.step_container_being_made(v)),
	container_node_offline: message(['node'], (v) => m.step_container_node_offline(v), {
		forCustomers: m.step_container_waits
	}),
	container_node_maintenance: message(['node'], (v) => m.step_container_node_maintenance(v), {
		forCustomers: m.step_container_waits
	}),
	container_no_quorum: message(['node'], (v) => m.step_container_no_quorum(v), {
		forCustomers: m.step_container_waits
	}),
	container_template_offline: message([], () => m.step_container_template_offline(), {
		forCustomers: m.step_container_waits
	}),
	container_replicating: message(['node', 'vmid'], (v) => m.step_container_replicating(v), {
		forCustomers: m.step_container_copy
	}),
	container_ha_starting: message(['vmid'], (v) => m.step_container_ha_starting(v), {
		forCustomers: m.step_container_copy
	}),
	container_ha_partner: message(['vmid'], (v) => m.step_container_ha_partner(v), {
		forCustomers: m.step_container_waits
	}),
	container_database_server: message(['vmid'], (v) => m.step_container_database_server(v), {
		forCustomers: m.step_container_waits
	}),
	adopted_stays: message(['name'], (v) => m.step_adopted_stays(v)),
	database_ready: message(['name'], (v) => m.step_database_ready(v)),
	record_ready: message(['hostname', 'tunnel'], (v) => m.step_record_ready(v)),
	rule_applied: message(['tunnel', 'version'], (v) => m.step_rule_applied(v)),
	rule_pending: message([], () => m.step_rule_pending(), { forCustomers: m.step_address_waits }),
	seen: message(['hostname'], (v) => m.step_seen(v)),
	not_seen_yet: message(['hostname'], (v) => m.step_not_seen_yet(v), {
		forCustomers: m.step_address_waits
	}),
	activated: message(['url'], (v) => m.step_activated(v)),
	grace: message(['until'], ({ until }, { locale, timeZone }) =>
		m.step_grace({ until: until === '—' ? until : dateTime(until, locale, timeZone) })
	),
	nothing_to_back_up: message([], () => m.step_nothing_to_back_up()),
	backup_taken: message(['location'], (v) => m.step_backup_taken(v)),
	backup_running: message([], () => m.step_backup_running()),
	moving: message([], () => m.step_moving()),
	move_checked: message(['node'], (v) => m.move_said_checked(v)),
	move_archived: message(['location'], (v) => m.move_said_archived(v)),
	move_off_air: message([], () => m.move_said_off_air()),
	move_nobody: message([], () => m.move_said_nobody()),
	move_arrived: message(['node'], (v) => m.move_said_arrived(v)),
	move_answers: message(['node'], (v) => m.move_said_answers(v)),
	move_stopped: message([], () => m.move_said_stopped()),
	move_tunnel: message(['tunnel', 'count'], (v) => m.move_said_tunnel(v)),
	move_same_tunnel: message([], () => m.move_said_same_tunnel()),
	move_on_air: message(['seconds'], (v) => m.move_said_on_air(v)),
	copy_planned: message(['until'], ({ until }, { locale, timeZone }) =>
		m.copy_said_planned({ until: until === '—' ? until : dateTime(until, locale, timeZone) })
	),
	copy_in_place: message([], () => m.copy_said_in_place(), {
		forCustomers: m.copy_said_in_place_customer
	}),
	copy_measured: message(['megabytes'], (v) => m.copy_said_measured(v)),
	copy_room_held: message([], () => m.copy_said_room_held()),
	copy_room_comes: message([], () => m.copy_said_room_comes(), {
		forCustomers: m.step_container_waits
	}),
	copy_off_air: message([], () => m.copy_said_off_air(), { forCustomers: m.copy_said_off_air }),
	copy_packed: message(['megabytes'], (v) => m.copy_said_packed(v)),
	copy_carried: message(['megabytes'], (v) => m.copy_said_carried(v)),
	copy_loaded: message([], () => m.copy_said_loaded()),
	copy_same: message(['tables', 'rows', 'files'], (v) => m.copy_said_same(v), {
		forCustomers: m.copy_said_same_customer
	}),
	copy_switched: message([], () => m.copy_said_switched()),
	copy_switched_in_place: message([], () => m.copy_said_switched_in_place()),
	copy_on_air: message(['seconds'], (v) => m.move_said_on_air(v)),
	copy_nobody: message([], () => m.copy_said_nobody()),
	copy_kept: message([], () => m.copy_said_kept(), { forCustomers: m.copy_said_kept }),
	copy_container_gone: message(['vmid'], (v) => m.copy_said_container_gone(v)),
	copy_database_gone: message(['name'], (v) => m.copy_said_database_gone(v)),
	move_waits: message(['why'], ({ why }) =>
		m.move_said_waits({ why: containerMoveTrouble(why)?.sentence ?? why })
	),
	no_quorum: message([], () => m.step_no_quorum(), { forCustomers: m.step_container_waits }),
	vendor_busy: message(['vendor', 'minutes'], (v) => m.step_vendor_busy(v), {
		forCustomers: m.step_vendor_busy_customer
	})
};

export type StepCode = keyof typeof MESSAGES;
/** The values of a code's sentence. */
export type StepParams<C extends StepCode> = Record<
	(typeof MESSAGES)[C]['names'][number],
	string | number
>;

export const STEP_CODES = Object.keys(MESSAGES).filter(isStepCode);

function isStepCode(code: string): code is StepCode {
	return Object.hasOwn(MESSAGES, code);
}

/** What a step stores: a code of the registry with exactly its values. */
export function stepMessage<C extends StepCode>(
	code: C,
	params: StepParams<C>
): { code: C; params: Values } {
	return { code, params };
}

/** The columns of a step that hold what it says. */
export interface StoredStep {
	message: unknown;
	/** A line of runs older than `message`. */
	detail: string | null;
	errorCode: string | null;
	errorParams: unknown;
	/** The worker's or the vendor's own words, in English. */
	error: string | null;
}

/** What a step did or waits for, for staff; null when it said nothing. */
export function stepSentence(
	{ message, detail }: Pick<StoredStep, 'message' | 'detail'>,
	reader: Reader
): string | null {
	const found = read(message);
	return found ? MESSAGES[found.code].say(found.params, reader) : detail;
}

/** What a customer may know of what a step waits for; null for everything that names machines of ours. */
export function stepNote(message: unknown): string | null {
	const found = read(message);
	return (found && MESSAGES[found.code].forCustomers?.()) ?? null;
}

export interface StepError {
	sentence: string;
	/** In the vendor's own words, for staff alone; null where the sentence says it all. */
	technical: string | null;
}

/** Why a step failed, for staff; null when it has not. */
export function stepError(
	stored: Pick<StoredStep, 'errorCode' | 'errorParams' | 'error'>
): StepError | null {
	const { errorCode, errorParams, error } = stored;
	if (!errorCode && !error) return null;
	const isNamed = errorCode !== null && errorCode !== 'INTERNAL' && isErrorCode(errorCode);
	return {
		sentence: isNamed ? sentenceOf(errorCode, named(errorParams)) : m.step_error_unforeseen(),
		technical: error === errorCode ? null : error
	};
}

/** What vendors are called; their calls are filed under the short names. */
const VENDORS: Record<string, string> = {
	cloudflare: 'Cloudflare',
	mail: 'SMTP',
	odoo: 'Odoo',
	proxmox: 'Proxmox',
	ssh: 'SSH',
	stripe: 'Stripe'
};

function named(params: unknown): Values {
	const values = valuesOf(params);
	const { vendor } = values;
	return { ...values, ...(vendor !== undefined && { vendor: VENDORS[vendor] ?? vendor }) };
}

function read(stored: unknown): { code: StepCode; params: Values } | null {
	if (typeof stored !== 'object' || stored === null || !('code' in stored)) return null;
	const { code } = stored;
	if (typeof code !== 'string' || !isStepCode(code)) return null;
	return { code, params: valuesOf('params' in stored ? stored.params : null) };
}

function valuesOf(params: unknown): Values {
	if (typeof params !== 'object' || params === null) return {};
	return Object.fromEntries(
		Object.entries(params).filter(
			(entry): entry is [string, string | number] =>
				typeof entry[1] === 'string' || typeof entry[1] === 'number'
		)
	);
}
