import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { now, SECOND } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { sshAlone } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { cloudflared } from '#lib/integrations/cloudflared/cloudflared.server.ts';
import {
	journalArgv,
	readJournalLine,
	type JournalLine
} from '#lib/integrations/cloudflared/journal.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import type { SshClient } from '#lib/integrations/ssh/ssh.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import { checkHost, execOf, noteSeen, placeOf, troubleOf } from './connectorHost.server.ts';
import { FOLLOW_MS, keepLines, lastCursor, placeKept, SHOWN } from './connectorLog.server.ts';

/** Lines that are kept of each second; a first look may bring as many as are shown. */
const LINES_PER_SECOND = 100;
/** How often what came is kept, and told of. */
const KEEP_MS = 300;
const LOOK_MS = 2 * SECOND;

/**
 * Follows until nobody looks any more, the tunnel is said to run elsewhere, the time is over, or the way there ends. What
 * stands in the way is noted.
 */
export async function followLog(tunnelId: string, stop: AbortSignal): Promise<void> {
	const tunnel = await db.tunnel.findFirst({ where: { id: tunnelId, deletedAt: null } });
	if (!tunnel || !(await isWatched(tunnelId))) return;
	let client: SshClient | null = null;
	try {
		client = await sshAlone(placeOf(tunnel));
		const exec = execOf(client, tunnel.hostVmid);
		const host = cloudflared({ unit: tunnel.hostUnit, path: tunnel.hostConfig }, exec, unrecorded);
		const { state } = await host.state();
		const version = await host.version();
		const facts = { version, state, trouble: null, detail: null };
		await noteSeen(tunnelId, { ...facts, followedFrom: now() });
		await read(client, tunnel, stop);
	} catch (error) {
		const seen = troubleOf(error);
		if (!seen) throw error;
		await noteSeen(tunnelId, seen);
	} finally {
		await client?.close();
		await db.tunnelHost.updateMany({ where: { tunnelId }, data: { followedFrom: null } });
	}
}

async function read(client: SshClient, tunnel: Tunnel, stop: AbortSignal): Promise<void> {
	const ended = new AbortController();
	const signal = AbortSignal.any([stop, ended.signal]);
	const pot = new Pot();
	const keeping = keepAll(tunnel, pot, signal);
	const watching = untilUnwatched(tunnel, signal).finally(() => ended.abort());
	try {
		const cursor = await lastCursor(tunnel.id);
		const first = await follow(client, tunnel, cursor, signal, pot);
		// The journal no longer knows the place where we were: from its end, then.
		if (first.code && cursor && /cursor/i.test(first.stderr))
			await follow(client, tunnel, null, signal, pot);
	} finally {
		ended.abort();
		await Promise.all([keeping, watching]);
	}
}

function follow(
	client: SshClient,
	tunnel: Tunnel,
	after: string | null,
	signal: AbortSignal,
	pot: Pot
): Promise<{ code: number | null; stderr: string }> {
	const journal = journalArgv(tunnel.hostUnit, { lines: SHOWN, after, follow: true });
	const argv =
		tunnel.hostVmid === null
			? journal
			: ['pct', 'exec', String(tunnel.hostVmid), '--keep-env', '0', '--', ...journal];
	return client.follow(argv, {
		signal,
		timeoutMs: FOLLOW_MS,
		onLine: (text) => {
			const line = readJournalLine(text);
			if (line) pot.put(line);
		}
	});
}

/** Lines that wait to be kept: no more in a second than anybody reads, however many come. */
class Pot {
	#lines: JournalLine[] = [];
	#leftOut = 0;
	#room = SHOWN;
	#filledAt = Date.now();

	put(line: JournalLine): void {
		const at = Date.now();
		const more = ((at - this.#filledAt) / SECOND) * LINES_PER_SECOND;
		this.#room = Math.min(SHOWN, this.#room + more);
		this.#filledAt = at;
		if (this.#room < 1) {
			this.#leftOut += 1;
			return;
		}
		this.#room -= 1;
		this.#lines.push(line);
	}

	empty(): { lines: JournalLine[]; leftOut: number } {
		const taken = { lines: this.#lines, leftOut: this.#leftOut };
		this.#lines = [];
		this.#leftOut = 0;
		return taken;
	}
}

async function keepAll(tunnel: Tunnel, pot: Pot, signal: AbortSignal): Promise<void> {
	for (let isLast = false; !isLast;) {
		await sleep(KEEP_MS, undefined, { signal }).catch(() => {
			isLast = true;
		});
		const { lines, leftOut } = pot.empty();
		if (lines.length + leftOut > 0) await keepLines(tunnel, lines, leftOut);
	}
}

async function untilUnwatched(tunnel: Tunnel, signal: AbortSignal): Promise<void> {
	const stays = () => db.tunnel.count({ where: placeKept(tunnel) });
	while (!signal.aborted && (await isWatched(tunnel.id)) && (await stays()) > 0)
		await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
}

async function isWatched(tunnelId: string): Promise<boolean> {
	const row = await db.tunnelHost.findUnique({
		where: { tunnelId },
		select: { watchedUntil: true }
	});
	return row?.watchedUntil != null && row.watchedUntil > now();
}

defineJob({
	name: 'tunnels.follow-log',
	payload: z.object({ tunnelId: z.uuid() }),
	run: ({ tunnelId }, { signal }) => followLog(tunnelId, signal),
	// Each waits for lines and does next to nothing.
	concurrency: 10,
	pollSeconds: 1,
	// One that asks while one runs has what it wants; who still looks asks again. Nothing is lost when a worker dies.
	queue: {
		policy: 'exclusive',
		retryLimit: 0,
		heartbeatSeconds: 10,
		expireInSeconds: FOLLOW_MS / SECOND + 60
	}
});

defineJob({
	name: 'tunnels.check-host',
	payload: z.object({ tunnelId: z.uuid() }),
	run: async ({ tunnelId }) => {
		try {
			await checkHost(tunnelId);
		} catch (error) {
			// It is noted, and said where somebody looks: trying again changes nothing.
			if (!troubleOf(error)) throw error;
		}
	},
	concurrency: 2,
	pollSeconds: 1,
	queue: { policy: 'short', retryLimit: 2, heartbeatSeconds: 10 }
});
