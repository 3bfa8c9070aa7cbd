import { readMark } from '#lib/infrastructure/containers/marks.ts';
import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import { outside } from './outside.ts';
import type { TestPlatform } from './platform.ts';

export interface Whose {
	/** Says, before a run can start, for which slug it is. */
	known(jobId: string, slug: string): void;
	/** The slug that a call to a vendor is for; undefined when the call does not say. */
	slugOf(target: FaultRequest['target'], line: string, context: string): string | undefined;
}

/**
 * Tells for whom each call to a vendor is, so that hundreds of set-ups run at the same time and each meets the fault that
 * is meant for it and no other.
 */
export function whose(platform: TestPlatform): Whose {
	const world = outside(platform.sandbox);
	const slugs = new Map<string, string>();
	const copies = new Map<string, string>();
	let lastCopy: string | undefined;

	const ofRun = (jobId: string | undefined) => (jobId === undefined ? undefined : slugs.get(jobId));
	const ofHost = (host: string | undefined) => /^([a-z0-9-]+)\.sajet\.us/.exec(host ?? '')?.[1];
	const ofVmid = (vmid: string | undefined) => {
		const container = vmid === undefined ? undefined : world.cluster.state.containers[vmid];
		if (!container) return undefined;
		const run = ofRun(readMark(container.config.description)?.jobId);
		return run ?? ofHost(String(container.config.hostname));
	};

	/** A copy says in its body what it will be; its task only what it is copied from. */
	const ofProxmox = (line: string, context: string) => {
		const body = new URLSearchParams(context.slice(context.indexOf('\n') + 1));
		if (line.endsWith('/clone')) {
			const run = ofRun(readMark(body.get('description'))?.jobId);
			lastCopy = run ?? ofHost(body.get('hostname') ?? undefined);
			return lastCopy;
		}
		const task = /\/tasks\/(UPID[^/?]+)/.exec(line)?.[1];
		if (task === undefined) return ofVmid(/\/lxc\/(\d+)/.exec(line)?.[1]);
		const [, , , , , type, id] = decodeURIComponent(task).split(':');
		if (type !== 'vzclone') return ofVmid(id);
		// Copies are made one at a time, and whoever asked for one looks at its task at once.
		if (!copies.has(task) && lastCopy !== undefined) copies.set(task, lastCopy);
		return copies.get(task);
	};

	const ofStripe = (line: string) => {
		const session = /\/v1\/checkout\/sessions\/(\w+)/.exec(line)?.[1];
		if (session !== undefined) return world.slugOfSession(session);
		const subscription = /\/v1\/subscriptions\/(\w+)/.exec(line)?.[1];
		return subscription === undefined ? undefined : world.slugOfSubscription(subscription);
	};

	// Sees every copy that is asked for and disturbs none.
	platform.fault({
		...{ target: 'proxmox', kind: 'delay', match: '^POST .*/clone$' },
		only: (line, context) => {
			ofProxmox(line, context);
			return false;
		}
	});

	return {
		known: (jobId, slug) => void slugs.set(jobId, slug),
		slugOf: (target, line, context) => {
			switch (target) {
				case 'proxmox':
					return line.startsWith('TASK') ? ofTask(line) : ofProxmox(line, context);
				case 'ssh':
					return ofVmid(/pct exec (\d+)/.exec(line)?.[1]);
				case 'stripe':
					return ofStripe(line);
				case 'odoo':
					return ofOdoo(line, context);
				case 'cloudflare':
					return /name(?:\.exact)?(?:"\s*:\s*"|=)([a-z0-9-]+)\.sajet\.us/.exec(
						decodeURIComponent(line) + context
					)?.[1];
				case 'edge':
					return ofHost(context);
				case 'dns':
					return ofHost(line);
				default:
					return undefined;
			}
		}
	};

	function ofTask(line: string): string | undefined {
		const [, type, id] = line.split(' ');
		return type === 'vzclone' ? lastCopy : ofVmid(id);
	}

	/** A command names its database; a call to the web server its host, or the database in its body. */
	function ofOdoo(line: string, context: string): string | undefined {
		return (
			/odoo-bin (?:db \w+ tpl_\w+ |.*-d )([a-z0-9-]+)/.exec(line)?.[1] ??
			ofHost(context) ??
			/"args":\["([a-z0-9-]+)"/.exec(context)?.[1]
		);
	}
}
