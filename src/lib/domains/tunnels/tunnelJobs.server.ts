import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import type { Tunnel } from '#prisma/generated/client.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { noteChange } from './tunnelLog.server.ts';
import { isMade } from './tunnelRow.ts';
import { checkUnused, tunnelUse } from './tunnelUse.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'tunnels.act': { tunnelId: string; act: 'create' | 'restart' | 'delete'; by: string };
	}
}

/** Makes it at Cloudflare: looks first, and knows one of its own call whose answer was lost. Safe to repeat. */
async function create(tunnel: Tunnel, by: string): Promise<void> {
	let cloudflareId = tunnel.cloudflareId;
	if (!isMade(tunnel)) {
		const client = await cloudflareClient({ subjectId: tunnel.id });
		const find = async () => (await client.tunnels.list({ name: tunnel.name }))[0];
		const asked = await db.vendorCall.findFirst({
			where: { subjectId: tunnel.id, operation: 'tunnels.create' },
			select: { id: true }
		});
		let there = await find();
		// Nobody had the name when it was asked for; without a call of ours it is somebody else's since.
		if (there && !asked) throw new AppError('NAME_TAKEN');
		if (!there) {
			try {
				await client.tunnels.create(tunnel.name);
			} catch (error) {
				if (!(error instanceof CloudflareError && error.kind === 'duplicate')) throw error;
			}
			there = await find();
		}
		if (!there) throw notThere('tunnels.create', tunnel.name);
		cloudflareId = there.id;
	}
	await transaction(async (tx) => {
		await tx.tunnel.update({ where: { id: tunnel.id }, data: { cloudflareId, error: null } });
		await noteChange(tx, { tunnelId: tunnel.id, kind: 'created', byLabel: by });
		await enqueue(tx, 'tunnels.converge', { tunnelId: tunnel.id }, { key: tunnel.id });
	});
}

async function restart(tunnel: Tunnel, by: string): Promise<void> {
	const client = await cloudflareClient({ subjectId: tunnel.id });
	await client.tunnels.dropConnections(tunnel.cloudflareId);
	await transaction(async (tx) => {
		await noteChange(tx, { tunnelId: tunnel.id, kind: 'restarted', byLabel: by });
		await tx.tunnel.update({ where: { id: tunnel.id }, data: { error: null } });
		await enqueue(tx, 'tunnels.watch', {});
	});
}

/** Deletes it and reads back that it is gone; looks once more that nothing goes through it. Safe to repeat. */
async function remove(tunnel: Tunnel, by: string): Promise<void> {
	if (isMade(tunnel)) {
		const client = await cloudflareClient({ subjectId: tunnel.id });
		const connectors = await client.tunnels.connections(tunnel.cloudflareId).catch(goneIsNone);
		const connections = connectors.reduce((sum, { conns }) => sum + conns.length, 0);
		checkUnused({ ...(await tunnelUse(db, tunnel.id)), connections });
		await client.tunnels.delete(tunnel.cloudflareId);
		const left = await client.tunnels.list({ name: tunnel.name });
		if (left.some(({ id }) => id === tunnel.cloudflareId))
			throw notThere('tunnels.delete', tunnel.name);
	} else checkUnused(await tunnelUse(db, tunnel.id));
	await transaction(async (tx) => {
		await tx.tunnel.update({
			where: { id: tunnel.id },
			data: { deletedAt: now(), nodeId: null, error: null }
		});
		await noteChange(tx, { tunnelId: tunnel.id, kind: 'deleted', byLabel: by });
	});
}

function goneIsNone(error: unknown): [] {
	if (error instanceof CloudflareError && error.kind === 'not_found') return [];
	throw error;
}

function notThere(operation: string, name: string): CloudflareError {
	return new CloudflareError({
		...{ kind: 'vendor', operation, retryable: true },
		message: `${name} could not be read back`
	});
}

const ACTS = { create, restart, delete: remove };

defineJob({
	name: 'tunnels.act',
	payload: z.object({
		tunnelId: z.uuid(),
		act: z.enum(['create', 'restart', 'delete']),
		by: z.string()
	}),
	run: async ({ tunnelId, act, by }) => {
		const tunnel = await db.tunnel.findFirst({ where: { id: tunnelId, deletedAt: null } });
		if (!tunnel) return;
		try {
			await ACTS[act](tunnel, by);
		} catch (error) {
			const message = error instanceof AppError ? error.sentence : String(error);
			await transaction(async (tx) => {
				await tx.tunnel.update({ where: { id: tunnelId }, data: { error: message } });
				await publish(tx, [`tunnel:${tunnelId}`, 'staff:tunnels'], tunnelId);
			});
			// A refusal is no failure: whoever asked reads why. And nobody wants to be cut off an hour later.
			if (!(error instanceof AppError) && act !== 'restart') throw error;
		}
	},
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 1, retryDelayMax: 60 }
});
