import { type Guarded, requireStaff, requireUser } from './guard.server.ts';

/** What a page may listen to, over the socket: a name, or a name and an id as in `portal.tenant:<id>`. */
export interface Topic {
	name: string;
	/** Channels of `publish` whose notices it passes on. @param id what the guard returned */
	channels: (id: string) => Promise<string[]> | string[];
	/** True when a notice may mean that there are other channels now: they are looked up before it is passed on. */
	moves?: boolean;
	/**
	 * Says who may, as loads and actions do: its first statement is a guard with a literal permission, the query that
	 * follows is scoped. Asked at the start, when the person's access changes, and every minute.
	 * @param id what was named after the colon, as the client sent it; empty when nothing was
	 * @returns the id that was proved, for the channels
	 * @throws {AppError} NOT_LOGGED_IN, FORBIDDEN, NOT_FOUND
	 */
	guard: (event: Guarded, id: string) => Promise<string> | string;
}

const topics = new Map<string, Topic>();

/** Declares a topic. Areas do so in their `topics.server.ts`, which src/lib/jobs/live.server.ts imports. */
export function defineTopic(topic: Topic): void {
	topics.set(topic.name, topic);
}

/** The topic of `name` or `name:id`, and that id; null when there is none of this name. */
export function findTopic(named: string): { topic: Topic; id: string } | null {
	const cut = named.indexOf(':');
	const topic = topics.get(cut < 0 ? named : named.slice(0, cut));
	return topic ? { topic, id: cut < 0 ? '' : named.slice(cut + 1) } : null;
}

defineTopic({
	// What concerns the person alone: its sessions, what it is told.
	name: 'me',
	channels: (userId) => [`user:${userId}`],
	guard: (event) => {
		const auth = requireUser(event);
		return auth.user.id;
	}
});

defineTopic({
	// Notifications lie below identity and cannot ask who may; so their topic is declared here.
	name: 'admin.notifications',
	channels: () => ['staff:notifications', 'staff:alerts'],
	guard: (event) => {
		requireStaff(event, 'notifications:read');
		return '';
	}
});

defineTopic({
	name: 'admin.webhooks',
	channels: () => ['staff:webhooks'],
	guard: (event) => {
		requireStaff(event, 'settings:read');
		return '';
	}
});
