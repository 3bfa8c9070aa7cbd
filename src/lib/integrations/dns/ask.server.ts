import {
	exchange,
	ExchangeError,
	type DnsServer,
	type Question,
	type Reply
} from './exchange.server.ts';

export interface Asking {
	servers: readonly DnsServer[];
	/** Of one try at one server. */
	timeoutMs: number;
	/** Tries at each server. */
	tries: number;
	/** The next server is asked besides when one has been silent for so long; unset: only when one has failed. */
	hedgeMs?: number;
	/** Ends everything. */
	signal?: AbortSignal;
	/** Only answers of servers that have the word over the zone count. */
	authoritative?: boolean;
}

/** A usable answer, or why there was none; `reply` is then what the last server said instead. */
export type Outcome =
	{ kind: 'answered'; reply: Reply } | { kind: 'unreachable'; reason: string; reply: Reply | null };

const NOERROR = 0;
const NXDOMAIN = 3;
const REASONS: Record<number, string> = {
	1: 'EFORMERR',
	2: 'ESERVFAIL',
	4: 'ENOTIMP',
	5: 'EREFUSED'
};

/** Asks the servers in turn, round by round, until one gives a usable answer. Failures are answers, not exceptions. */
export async function ask(question: Question, asking: Asking): Promise<Outcome> {
	const { servers, timeoutMs, tries, hedgeMs } = asking;
	const queue = Array.from({ length: tries }, () => servers).flat();
	const losers = new AbortController();
	const signal = asking.signal ? AbortSignal.any([asking.signal, losers.signal]) : losers.signal;
	let failed: Outcome & { kind: 'unreachable' } = {
		...{ kind: 'unreachable', reason: 'ENOSERVER', reply: null }
	};
	return new Promise((resolve) => {
		let running = 0;
		let timer: NodeJS.Timeout | undefined;
		const finish = (outcome: Outcome) => {
			clearTimeout(timer);
			queue.length = 0;
			losers.abort();
			resolve(outcome);
		};
		const next = () => {
			clearTimeout(timer);
			const server = asking.signal?.aborted ? undefined : queue.shift();
			if (!server) {
				if (running === 0) finish(failed);
				return;
			}
			running += 1;
			if (hedgeMs !== undefined && queue.length > 0) timer = setTimeout(next, hedgeMs);
			void tryOne(server, question, timeoutMs, asking.authoritative ?? false, signal).then(
				(outcome) => {
					running -= 1;
					if (losers.signal.aborted) return;
					if (outcome.kind === 'answered') return finish(outcome);
					// What a server said tells more than the silence of another.
					if (outcome.reply || !failed.reply) failed = outcome;
					next();
				}
			);
		};
		next();
	});
}

async function tryOne(
	server: DnsServer,
	question: Question,
	timeoutMs: number,
	authoritative: boolean,
	signal: AbortSignal
): Promise<Outcome> {
	try {
		const reply = await exchange(server, question, timeoutMs, signal);
		const usable = reply.code === NOERROR || reply.code === NXDOMAIN;
		if (!usable) {
			return { kind: 'unreachable', reason: REASONS[reply.code] ?? 'EBADRESP', reply };
		}
		// A server that was named but does not hold the zone answers from elsewhere, or with a referral.
		if (authoritative && !reply.authoritative) {
			return { kind: 'unreachable', reason: 'ELAME', reply: null };
		}
		return { kind: 'answered', reply };
	} catch (error) {
		const reason = error instanceof ExchangeError ? error.code : 'EBADRESP';
		return { kind: 'unreachable', reason, reply: null };
	}
}

/** `address`, `address:port`, `[address]:port`. */
export function serverFrom(text: string): DnsServer {
	const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
	const plain = /^([^:]+)(?::(\d+))?$/.exec(text);
	const [, host, port] = bracketed ?? plain ?? ['', text];
	return { host: host ?? text, port: Number(port ?? 53) };
}
