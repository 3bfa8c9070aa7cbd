import { randomBytes, randomInt } from 'node:crypto';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { noSuch } from './errors.ts';
import { emptyState, NOUNS, type Notes, type State, type TableName, type Tables } from './state.ts';

export const API_VERSION = '2026-10-28.endive';

export type StripeEvent = {
	id: string;
	object: 'event';
	api_version: string;
	created: number;
	data: { object: object; previous_attributes?: object };
	livemode: false;
	pending_webhooks: number;
	request: { id: string | null; idempotency_key: string | null } | null;
	type: string;
};
export type Delivery = {
	event: string;
	endpoint: string;
	attempts: number;
	/** Real milliseconds since the epoch, not the sandbox's clock. */
	next_at: number;
	last_error: string | null;
};
export type EventState = { events: Record<string, StripeEvent>; deliveries: Delivery[] };

const KEPT_EVENTS = 3000;
const TRIM_EVERY = 500;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** One Stripe account in test mode: its objects, its time and its events. */
export class Account {
	readonly kernel: Kernel;
	readonly #state: StoreDocument<State>;
	readonly #events: StoreDocument<EventState>;
	#sinceTrim = 0;
	/** Origin that hosted pages are served from; known once the server listens. */
	url = '';
	/** The API call that is running, for the events that it causes. */
	request: { id: string; idempotency_key: string | null } | null = null;
	onEvent: (event: StripeEvent) => void = () => {};

	constructor(kernel: Kernel) {
		this.kernel = kernel;
		this.#state = kernel.store.document('stripe', emptyState);
		this.#events = kernel.store.document('stripe-events', () => ({ events: {}, deliveries: [] }));
	}

	get state(): State {
		return this.#state.get();
	}

	get log(): EventState {
		return this.#events.get();
	}

	changed(): void {
		this.#state.changed();
	}

	logChanged(): void {
		this.#events.changed();
	}

	/** `prefix` and `length` random letters and digits. */
	id(prefix: string, length = 24): string {
		return prefix + Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
	}

	secret(): string {
		return randomBytes(24).toString('base64url').replaceAll(/[-_]/g, 'x');
	}

	/** Unix seconds: the customer's test clock, or the sandbox's time. */
	now(customer?: string | null): number {
		const { customers, test_clocks } = this.state.tables;
		const clock = customer ? customers[customer]?.test_clock : null;
		return (clock && test_clocks[clock]?.frozen_time) || this.kernel.clock.now();
	}

	find<K extends TableName>(table: K, id: string | null | undefined): Tables[K] | undefined {
		const rows = this.state.tables[table];
		return id && Object.hasOwn(rows, id) ? rows[id] : undefined;
	}

	/** @throws StripeError resource_missing: 404, or 400 when a parameter named it */
	get<K extends TableName>(table: K, id: string, param = 'id'): Tables[K] {
		const row = this.find(table, id);
		if (!row) throw noSuch(NOUNS[table], id, param);
		return row;
	}

	/** All rows, oldest first. */
	all<K extends TableName>(table: K): Tables[K][] {
		return Object.values(this.state.tables[table]);
	}

	add<K extends TableName>(table: K, row: Tables[K]): Tables[K] {
		const rows: Record<string, Tables[K]> = this.state.tables[table];
		rows[row.id] = row;
		this.changed();
		return row;
	}

	remove(table: TableName, id: string): void {
		delete this.state.tables[table][id];
		this.changed();
	}

	notes(subscription: string): Notes {
		return (this.state.notes[subscription] ??= { pending_lines: [] });
	}

	#trim(events: EventState['events']): void {
		const ids = Object.keys(events);
		for (const id of ids.slice(0, Math.max(0, ids.length - KEPT_EVENTS))) delete events[id];
		this.#sinceTrim = 0;
	}

	/** Records an event with the object as it is now and hands it to the webhooks. */
	emit(type: string, object: object, previous?: object): StripeEvent {
		const event: StripeEvent = {
			id: this.id('evt_1'),
			object: 'event',
			api_version: API_VERSION,
			created: this.kernel.clock.now(),
			data: structuredClone(previous ? { object, previous_attributes: previous } : { object }),
			livemode: false,
			pending_webhooks: 0,
			request: this.request ?? { id: null, idempotency_key: null },
			type
		};
		const { events } = this.log;
		events[event.id] = event;
		this.#sinceTrim += 1;
		if (this.#sinceTrim > TRIM_EVERY) this.#trim(events);
		this.changed();
		this.logChanged();
		this.onEvent(event);
		return event;
	}
}

/** `month` + n with the day of the anchor, clamped to the month's last (31 Jan + 1 month = 28 Feb). */
export function addInterval(from: number, interval: string, count: number): number {
	const date = new Date(from * 1000);
	if (interval === 'day' || interval === 'week') {
		return from + count * (interval === 'day' ? 86_400 : 604_800);
	}
	const months = date.getUTCMonth() + (interval === 'year' ? 12 * count : count);
	const day = date.getUTCDate();
	date.setUTCDate(1);
	date.setUTCMonth(months);
	const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
	date.setUTCDate(Math.min(day, last));
	return Math.floor(date.getTime() / 1000);
}

/** The first end of a cycle after `at`; months keep the anchor's day. */
export function cycleEnd(anchor: number, interval: string, count: number, at: number): number {
	let end = anchor;
	for (let turn = 1; end <= at; turn += 1) end = addInterval(anchor, interval, count * turn);
	return end;
}
