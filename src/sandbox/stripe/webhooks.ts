import { createHmac } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../kernel/faults.ts';
import type { Account, Delivery, StripeEvent } from './account.ts';

const QUICK_MS = [50, 250, 1000];
/** Real-life seconds between the later attempts: about three days in all. */
const SLOW_SECONDS = [300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200];
const SHORTEST_SLOW_MS = 2000;
const LONGEST_SLOW_MS = 60_000;
const ANSWER_WITHIN_MS = 10_000;
const HELD_MS = 3000;

/** Sends events to the webhook endpoints, signed, until one answers 2xx or the attempts are used up. */
export class Deliveries {
	readonly #account: Account;
	#timer: NodeJS.Timeout | null = null;
	#timerAt = 0;
	#closed = false;
	readonly #running = new Set<Delivery>();
	/** Met their fault already. */
	readonly #excused = new Set<Delivery>();

	constructor(account: Account) {
		this.#account = account;
		account.onEvent = (event) => this.#queue(event);
		this.#wakeForNext();
	}

	/** Sends an event once more to every endpoint that is subscribed to it, or to one. */
	resend(event: StripeEvent, endpoint?: string): number {
		return this.#queue(event, endpoint);
	}

	async close(): Promise<void> {
		this.#closed = true;
		if (this.#timer) clearTimeout(this.#timer);
		while (this.#running.size) await sleep(5);
	}

	#queue(event: StripeEvent, only?: string): number {
		const { kernel, log } = this.#account;
		const endpoints = this.#account
			.all('webhook_endpoints')
			.filter((row) => row.status === 'enabled' && (!only || row.id === only))
			.filter(({ enabled_events: types }) => types.includes('*') || types.includes(event.type));
		for (const endpoint of endpoints) {
			// Events of one moment overtake each other, as the real ones do.
			const next_at = Date.now() + Math.random() * 800 * kernel.speed;
			log.deliveries.push({
				event: event.id,
				endpoint: endpoint.id,
				attempts: 0,
				next_at,
				last_error: null
			});
			this.#wake(next_at);
		}
		event.pending_webhooks = endpoints.length;
		this.#account.logChanged();
		return endpoints.length;
	}

	/** Sees to it that something is sent at `at` (real milliseconds), or before. */
	#wake(at: number): void {
		if (this.#closed || (this.#timer && this.#timerAt <= at)) return;
		if (this.#timer) clearTimeout(this.#timer);
		this.#timerAt = at;
		this.#timer = setTimeout(() => this.#sendDue(), Math.max(0, at - Date.now()));
		this.#timer.unref();
	}

	#wakeForNext(): void {
		const times = this.#account.log.deliveries
			.filter((entry) => !this.#running.has(entry))
			.map((entry) => entry.next_at);
		if (times.length) this.#wake(times.reduce((a, b) => Math.min(a, b)));
	}

	#sendDue(): void {
		this.#timer = null;
		const now = Date.now();
		for (const delivery of this.#account.log.deliveries) {
			if (delivery.next_at > now || this.#running.has(delivery)) continue;
			this.#running.add(delivery);
			const attempt = this.#attempt(delivery).catch((error: unknown) => {
				// An endpoint that vanished in between, say: the message is lost, the sandbox is not.
				this.#done(delivery, undefined);
				process.stderr.write(`sandbox webhook: ${String(error)}\n`);
			});
			void attempt.finally(() => {
				this.#running.delete(delivery);
				this.#account.logChanged();
				if (this.#account.log.deliveries.includes(delivery)) this.#wake(delivery.next_at);
			});
		}
		this.#wakeForNext();
	}

	async #attempt(delivery: Delivery): Promise<void> {
		const event = this.#account.log.events[delivery.event];
		if (!event || !this.#account.find('webhook_endpoints', delivery.endpoint)) {
			this.#done(delivery, event);
			return;
		}
		const fault = this.#excused.has(delivery)
			? undefined
			: this.#account.kernel.faults.take('webhook', event.type, JSON.stringify(event.data.object));
		if (fault && this.#postponed(fault, delivery)) return;
		if (fault?.kind === 'drop') {
			this.#note(delivery, event, 'drop', 0, 'drop');
			this.#done(delivery, event);
			return;
		}
		const before = fault?.when === 'before' && ['status', 'timeout', 'reset'].includes(fault.kind);
		const error = before ? `fault: ${fault.kind}` : await this.#send(delivery, event, fault);
		if (fault?.kind === 'duplicate') await this.#send(delivery, event, fault);
		this.#account.kernel.faults.struck(fault);
		const lost = fault?.when === 'after' ? `fault: ${fault.kind}` : null;
		this.#releaseHeld(delivery);
		if (error === null && lost === null) this.#done(delivery, event);
		else this.#again(delivery, event, error ?? lost ?? '');
	}

	/** `delay` and `reorder` hold the message back; it then goes out undisturbed. */
	#postponed(fault: Fault, delivery: Delivery): boolean {
		if (fault.kind !== 'delay' && fault.kind !== 'reorder') return false;
		this.#excused.add(delivery);
		delivery.next_at = Date.now() + (fault.ms ?? (fault.kind === 'delay' ? 1000 : HELD_MS));
		delivery.last_error = fault.kind === 'reorder' ? 'held' : null;
		return true;
	}

	/** A reordered message leaves right after a later one has arrived. */
	#releaseHeld(sent: Delivery): void {
		for (const delivery of this.#account.log.deliveries) {
			if (delivery === sent || delivery.endpoint !== sent.endpoint) continue;
			if (delivery.last_error !== 'held') continue;
			delivery.next_at = Date.now();
			this.#wake(delivery.next_at);
		}
	}

	/** Posts the event; null when the endpoint took it. */
	async #send(
		delivery: Delivery,
		event: StripeEvent,
		fault: Fault | undefined
	): Promise<string | null> {
		const endpoint = this.#account.get('webhook_endpoints', delivery.endpoint);
		const body = JSON.stringify(event, null, 2);
		const secret = this.#account.state.secrets[endpoint.id] ?? '';
		const started = performance.now();
		const done = (status: number | string, error: string | null): string | null => {
			this.#note(delivery, event, status, performance.now() - started, fault?.kind);
			return error;
		};
		try {
			const response = await fetch(endpoint.url, {
				method: 'POST',
				headers: {
					'content-type': 'application/json; charset=utf-8',
					'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
					'stripe-signature': signature(body, secret)
				},
				body: fault?.kind === 'malformed' ? body.slice(0, -20) : body,
				redirect: 'manual',
				signal: AbortSignal.timeout(ANSWER_WITHIN_MS)
			});
			await response.arrayBuffer();
			return done(response.status, response.ok ? null : `HTTP ${response.status}`);
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			return done('error', reason);
		}
	}

	#done(delivery: Delivery, event: StripeEvent | undefined): void {
		const { deliveries } = this.#account.log;
		const index = deliveries.indexOf(delivery);
		if (index >= 0) deliveries.splice(index, 1);
		this.#excused.delete(delivery);
		if (event) event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
	}

	#again(delivery: Delivery, event: StripeEvent, error: string): void {
		delivery.attempts += 1;
		delivery.last_error = error;
		const quick = QUICK_MS[delivery.attempts - 1];
		const slow = SLOW_SECONDS[delivery.attempts - 1 - QUICK_MS.length];
		if (quick === undefined && slow === undefined) {
			this.#done(delivery, event);
			event.pending_webhooks += 1;
			return;
		}
		const scaled = (slow ?? 0) * 1000 * this.#account.kernel.speed;
		const wait = quick ?? Math.min(LONGEST_SLOW_MS, Math.max(SHORTEST_SLOW_MS, scaled));
		delivery.next_at = Date.now() + wait;
	}

	#note(
		delivery: Delivery,
		event: StripeEvent,
		status: number | string,
		ms: number,
		fault?: string
	): void {
		const { kernel } = this.#account;
		const url = this.#account.find('webhook_endpoints', delivery.endpoint)?.url ?? '';
		kernel.calls.add({
			at: kernel.clock.nowMs(),
			vendor: 'webhook',
			line: `${event.type} ${event.id} ${url}`,
			request: JSON.stringify(event.data.object),
			status,
			ms: Math.round(ms),
			fault
		});
	}
}

/** `Stripe-Signature` of a body. The time is the real one: receivers compare it with their own clock. */
export function signature(body: string, secret: string): string {
	const time = Math.floor(Date.now() / 1000);
	const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
	return `t=${time},v1=${mac},v0=${'0'.repeat(64)}`;
}
