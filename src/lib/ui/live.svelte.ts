/* eslint-disable svelte/prefer-svelte-reactivity -- nothing is drawn from these; reactive ones would bind every effect that subscribes */
import { invalidateAll } from '$app/navigation';
import { navigating } from '$app/state';
import { coalesced } from './coalesce.ts';
import { keepTyped } from './typed.ts';

/** What LiveDot shows. */
export type LiveState = 'live' | 'connecting' | 'offline';
type Handler = (id?: string) => void;

interface Listened {
	handlers: Set<Handler>;
	/** When what the page shows was loaded, at the earliest: `performance.now()`. */
	loadedAt: number;
	/** There was no socket for a while: whatever happened then, nobody told. */
	missed: boolean;
	/** It was asked for when the socket opened, with the cookies of that moment: a refusal is final. */
	fromStart: boolean;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** After so many attempts in vain it is said that there is no connection. */
const ATTEMPTS_IN_PEACE = 3;
/** A page that goes and one that comes share the socket. */
const LINGER_MS = 2_000;
/** Older than this no data is that a navigation has just brought. */
const FRESH_MS = 15_000;
/** So long a click on a link, or a form that asks for another page, may take to become a navigation. */
const LOOK_UP_MS = 1_000;
/** Several topics often change together. */
const TOGETHER_MS = 150;
/** More often than this nobody sees a difference, and every look is a page's worth of queries. */
const APART_MS = 500;
const DAY_MS = 86_400_000;
/** Close code of identity's hub. */
const SESSION_ENDED = 4401;

const topics = new Map<string, Listened>();
let socket: WebSocket | null = null;
let hasOpened = false;
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
		const known = topics.get(topic);
		if (known) known.handlers.add(onChange);
		else {
			// With the first socket nobody knows how long ago the document came; later a navigation brought the data.
			const loadedAt = hasOpened ? Math.max(0, performance.now() - FRESH_MS) : 0;
			const handlers = new Set([onChange]);
			topics.set(topic, { handlers, loadedAt, missed: false, fromStart: false });
			if (socket?.readyState === WebSocket.OPEN) ask(topic, loadedAt);
		}
		if (!socket && !timer) connect();
		return () => {
			const left = topics.get(topic);
			left?.handlers.delete(onChange);
			// An effect that runs again listens on: asked anew, the server would say what the page has just heard.
			if (left?.handlers.size === 0) setTimeout(() => end(topic, left));
		};
	}
};

function end(topic: string, { handlers }: Listened): void {
	if (handlers.size > 0 || topics.get(topic)?.handlers !== handlers) return;
	topics.delete(topic);
	send({ unsubscribe: topic });
	if (topics.size === 0) lingering = setTimeout(disconnect, LINGER_MS);
}

/**
 * Loads the page's data again, soon, and once for many calls: a set-up says something several times a second. What somebody
 * is typing stays.
 */
export const refreshSoon = coalesced(() => keepTyped(invalidateAll), {
	togetherMs: TOGETHER_MS,
	apartMs: APART_MS,
	isHeld: isLeaving
});

let leaving = 0;
let clickedAt = -Infinity;

/** Loading again ends a navigation that is under way; while its route is being looked up SvelteKit does not tell of it. */
export function isLeaving(): boolean {
	return leaving > 0 || navigating.to !== null || performance.now() - clickedAt < LOOK_UP_MS;
}

/** Goes to another page, undisturbed: what an action's redirect does. */
export async function leave(go: () => Promise<void>): Promise<void> {
	leaving += 1;
	try {
		await go();
	} finally {
		leaving -= 1;
	}
}

/**
 * What a form's answer does to the page: shows it, with new data, or with new data later where somebody has gone on to
 * another page meanwhile. What is typed elsewhere on the page stays.
 * @param update of `enhance`
 * @param sent the form that was sent, if its fields are to show what the server has now
 */
export async function showAnswer(
	update: (options: { reset: boolean; invalidateAll: boolean }) => Promise<void>,
	{ reset, sent }: { reset: boolean; sent: HTMLFormElement | null }
): Promise<void> {
	const goesOn = isLeaving();
	await keepTyped(() => update({ reset, invalidateAll: !goesOn }), sent);
	if (goesOn) refreshSoon();
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
		hasOpened = true;
		attempts = 0;
		shown = 'live';
		for (const [topic, listened] of topics) {
			listened.fromStart = true;
			// What was missed is loaded again anyway.
			ask(topic, listened.missed ? performance.now() : listened.loadedAt);
		}
	};
	opening.onmessage = ({ data }) => {
		if (socket === opening) hear(JSON.parse(String(data)));
	};
	opening.onclose = ({ code }) => {
		if (socket !== opening) return;
		socket = null;
		for (const listened of topics.values()) listened.missed = true;
		// The session ended: what the page may still show only the server can say, whatever the page listens to.
		if (code === SESSION_ENDED) {
			callAll();
			refreshSoon();
		}
		if (topics.size > 0) retry();
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

/** The age of what the page shows lets the server say at once what changed since. */
function ask(topic: string, loadedAt: number): void {
	send({ subscribe: topic, age: Math.min(Math.round(performance.now() - loadedAt), DAY_MS) });
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
		const listened = topics.get(message.subscribed);
		if (!listened?.missed) return;
		listened.missed = false;
		call(message.subscribed);
	} else if (typeof message.refused === 'string') {
		// The socket may be older than the login: a new one is asked with today's cookies.
		if (topics.get(message.refused)?.fromStart !== false) return;
		disconnect();
		connect();
	}
}

function call(topic: string, id?: string): void {
	for (const handler of [...(topics.get(topic)?.handlers ?? [])]) handler(id);
}

function callAll(): void {
	for (const topic of [...topics.keys()]) call(topic);
}

if (typeof document === 'object') {
	const note = ({ type, target }: Event) => {
		const leads = type === 'click' ? 'a[href]' : 'form[method=get i]';
		if (target instanceof Element && target.closest(leads)) clickedAt = performance.now();
	};
	for (const name of ['click', 'submit']) document.addEventListener(name, note, { capture: true });
}

if (typeof addEventListener === 'function') {
	// Sooner than the next attempt would come by itself.
	addEventListener('online', () => {
		if (!timer) return;
		clearTimeout(timer);
		connect();
	});
}
