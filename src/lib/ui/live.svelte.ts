import { invalidateAll } from '$app/navigation';

/** What LiveDot shows. */
export type LiveState = 'live' | 'connecting' | 'offline';
type Handler = (id?: string) => void;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** After so many attempts in vain it is said that there is no connection. */
const ATTEMPTS_IN_PEACE = 3;
/** A page that goes and one that comes share the socket. */
const LINGER_MS = 2_000;
/** Older than this no data is that a navigation has just brought. */
const FRESH_MS = 15_000;
/** Several topics often change together. */
const TOGETHER_MS = 150;

const handlers = new Map<string, Set<Handler>>();
/** Topics that were asked for when the socket opened: a refusal of those is final. */
let asked = new Set<string>();
let socket: WebSocket | null = null;
let opened = 0;
let attempts = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let lingering: ReturnType<typeof setTimeout> | undefined;
let shown = $state<LiveState>('connecting');

/** The page's one socket. Notices carry no data: who is told loads again, with its own rights. */
export const live = {
	/** For LiveDot. */
	get state(): LiveState {
		return shown;
	},
	/**
	 * Calls `onChange` when something under the topic changed, and when something may have: after every gap. For `$effect`:
	 * `$effect(() => live.subscribe('portal.tenant:' + id, load))`.
	 * @param onChange gets the id of what changed when the topic has several and it was one
	 * @returns what ends it
	 */
	subscribe(topic: string, onChange: Handler): () => void {
		clearTimeout(lingering);
		const known = handlers.get(topic);
		if (known) known.add(onChange);
		else {
			handlers.set(topic, new Set([onChange]));
			if (socket?.readyState === WebSocket.OPEN) ask(topic);
		}
		if (!socket && !timer) connect();
		return () => {
			const left = handlers.get(topic);
			left?.delete(onChange);
			if (left?.size !== 0) return;
			handlers.delete(topic);
			asked.delete(topic);
			send({ unsubscribe: topic });
			if (handlers.size === 0) lingering = setTimeout(disconnect, LINGER_MS);
		};
	}
};

let refreshing: ReturnType<typeof setTimeout> | undefined;
let running = false;

/** Loads the page's data again, soon, and once for any number of calls. */
export function refreshSoon(): void {
	refreshing ??= setTimeout(async () => {
		refreshing = undefined;
		// Two at a time would race for who writes last.
		if (running) return refreshSoon();
		running = true;
		try {
			await invalidateAll();
		} finally {
			running = false;
		}
	}, TOGETHER_MS);
}

/**
 * Keeps a page's data fresh while the component lives; call it while the component is set up.
 * @param topic a name, or a function that returns one (null: none) and is asked again when what it reads changes
 */
export function refreshOn(topic: string | (() => string | null)): void {
	$effect(() => {
		const named = typeof topic === 'string' ? topic : topic();
		return named === null ? undefined : live.subscribe(named, refreshSoon);
	});
}

function connect(): void {
	timer = undefined;
	const opening = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live`);
	socket = opening;
	opening.onopen = () => {
		opened += 1;
		attempts = 0;
		shown = 'live';
		asked = new Set(handlers.keys());
		for (const topic of asked) ask(topic);
	};
	opening.onmessage = ({ data }) => hear(JSON.parse(String(data)));
	opening.onclose = ({ code }) => {
		if (socket !== opening) return;
		socket = null;
		// The session ended: what the page may still show only the server can say.
		if (code === 4401) callAll();
		if (handlers.size > 0) retry();
	};
}

function retry(): void {
	attempts += 1;
	shown = attempts > ATTEMPTS_IN_PEACE || !navigator.onLine ? 'offline' : 'connecting';
	const wait = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS);
	// Jitter: a server that restarts lost everybody in the same moment.
	timer = setTimeout(connect, wait * (0.5 + Math.random()));
}

function disconnect(): void {
	clearTimeout(timer);
	timer = undefined;
	const closing = socket;
	socket = null;
	closing?.close();
}

/** Asks for a topic; the age of what the page shows lets the server say what changed since. */
function ask(topic: string): void {
	const age = opened > 1 ? FRESH_MS : Math.min(performance.now(), 3_600_000);
	send({ subscribe: topic, age: Math.round(asked.has(topic) ? age : Math.min(age, FRESH_MS)) });
}

function send(message: object): void {
	if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param message `subscribed`, `refused`, `gap`, or a notice */
function hear(message: Record<string, unknown>): void {
	if (message.gap) {
		// Everybody hears of it in the same moment.
		setTimeout(callAll, Math.random() * 1_000);
	} else if (typeof message.topic === 'string') {
		call(message.topic, typeof message.id === 'string' ? message.id : undefined);
	} else if (typeof message.subscribed === 'string') {
		// Whatever happened while there was no socket, nobody told.
		if (opened > 1 && asked.has(message.subscribed)) call(message.subscribed);
	} else if (typeof message.refused === 'string' && !asked.has(message.refused)) {
		// The socket may be older than the login: a new one is asked with today's cookies.
		if (handlers.has(message.refused)) {
			disconnect();
			connect();
		}
	}
}

function call(topic: string, id?: string): void {
	for (const handler of [...(handlers.get(topic) ?? [])]) handler(id);
}

function callAll(): void {
	for (const topic of [...handlers.keys()]) call(topic);
}

if (typeof addEventListener === 'function') {
	// Sooner than the next attempt would come by itself.
	addEventListener('online', () => {
		if (!timer) return;
		clearTimeout(timer);
		connect();
	});
}
