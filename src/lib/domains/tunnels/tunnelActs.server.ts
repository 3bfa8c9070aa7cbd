import { randomUUID } from 'node:crypto';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Tunnel } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import './tunnelJobs.server.ts';
import { forgetHost } from './connectorLog.server.ts';
import './followLog.server.ts';
import { connectionCount, connectorsOf } from './tunnelConnectors.ts';
import type { NewTunnel, TunnelHost } from './tunnelForms.ts';
import { isMade, pendingId } from './tunnelRow.ts';
import { checkUnused, findTunnel, tunnelUse } from './tunnelUse.server.ts';

/**
 * Begins a tunnel: looks that Cloudflare has none of that name, then leaves the row and a job that makes it. One that is
 * taken over must be there and unknown to us; its rules are kept by the first look at them.
 * @throws {AppError} BAD_INPUT with the field; `CloudflareError`
 */
export async function createTunnel(input: NewTunnel, by: Actor): Promise<Tunnel> {
	const { name, node_id: nodeId = null, enrol } = input;
	const client = await cloudflareClient();
	const [there] = await client.tunnels.list({ name });
	if (there && !enrol)
		throw new AppError('BAD_INPUT', { fields: { name: m.tunnels_name_taken() } });
	if (!there && enrol)
		throw new AppError('BAD_INPUT', { fields: { name: m.tunnels_name_unknown() } });
	return transaction(async (tx) => {
		await checkPlace(tx, input);
		const known = await tx.tunnel.findFirst({
			where: there ? { cloudflareId: there.id } : { name, deletedAt: null }
		});
		if (known) throw new AppError('BAD_INPUT', { fields: { name: m.tunnels_name_known() } });
		const made = await tx.tunnel.create({
			data: {
				...{ name, nodeId, ...hostColumns(input) },
				cloudflareId: there?.id ?? pendingId(randomUUID()),
				...(there?.config_src === 'local' ? { source: 'local' } : {}),
				// The token of one that runs already was shown to somebody.
				...(there ? { tokenShownAt: now() } : {}),
				wantedVersion: 1
			}
		});
		const { id } = made;
		await audit(tx, {
			actor: by,
			action: enrol ? 'domains.enrol-tunnel' : 'domains.create-tunnel',
			subject: { type: 'tunnel', id },
			after: { name, nodeId, source: made.source }
		});
		await enqueue(tx, 'tunnels.act', { tunnelId: id, act: 'create', by: by.label }, { key: id });
		await publish(tx, 'staff:tunnels', id);
		return made;
	});
}

async function checkPlace(tx: Tx, { node_id, host_node_id, host_vmid }: NewTunnel): Promise<void> {
	for (const [field, id] of [
		['node_id', node_id],
		['host_node_id', host_node_id]
	] as const) {
		if (id && !(await tx.node.findFirst({ where: { id, removedAt: null }, select: { id: true } })))
			throw new AppError('BAD_INPUT', { fields: { [field]: m.tunnels_no_such_node() } });
	}
	if (host_vmid && !host_node_id)
		throw new AppError('BAD_INPUT', { fields: { host_node_id: m.tunnels_vmid_needs_node() } });
	if (node_id && (await tx.tunnel.findUnique({ where: { nodeId: node_id } })))
		throw new AppError('BAD_INPUT', { fields: { node_id: m.tunnels_node_taken() } });
}

function hostColumns(host: TunnelHost) {
	return {
		hostNodeId: host.host_node_id ?? null,
		hostVmid: host.host_vmid ?? null,
		hostUnit: host.host_unit,
		hostConfig: host.host_config
	};
}

/** Says where cloudflared runs. @throws {AppError} NOT_FOUND, BAD_INPUT */
export async function setHost(tx: Tx, id: string, host: TunnelHost, by: Actor): Promise<void> {
	const tunnel = await findTunnel(tx, id);
	await checkPlace(tx, { ...host, name: tunnel.name, node_id: undefined, enrol: false });
	const after = hostColumns(host);
	const { hostNodeId, hostVmid, hostUnit, hostConfig } = tunnel;
	await tx.tunnel.update({ where: { id }, data: after });
	await forgetHost(tx, id);
	await audit(tx, {
		...{ actor: by, action: 'domains.set-tunnel-host', subject: { type: 'tunnel', id } },
		...{ before: { hostNodeId, hostVmid, hostUnit, hostConfig }, after }
	});
	await publish(tx, [`tunnel:${id}`, 'staff:tunnels'], id);
}

/** Its token was shown to nobody yet: we made it ourselves, and nobody has looked. */
export async function isUnseen(
	tx: Tx,
	tunnel: Pick<Tunnel, 'id' | 'tokenShownAt'>
): Promise<boolean> {
	if (tunnel.tokenShownAt) return false;
	const made = { tunnelId: tunnel.id, kind: 'created' as const };
	return (await tx.tunnelChange.findFirst({ where: made, select: { id: true } })) !== null;
}

/**
 * The tunnel's token, read from Cloudflare now: it is kept nowhere. The look is in the audit log.
 * @param firstOnly refuse when it may have been shown before: a second look asks who is there
 * @throws {AppError} NOT_FOUND; NOT_READY while Cloudflare is still making it; ALREADY_REVEALED; `CloudflareError`
 */
export async function revealToken(id: string, by: Actor, firstOnly: boolean): Promise<string> {
	const tunnel = await findTunnel(db, id);
	if (!isMade(tunnel)) throw new AppError('NOT_READY');
	if (firstOnly && !(await isUnseen(db, tunnel))) throw new AppError('ALREADY_REVEALED');
	const client = await cloudflareClient({ subjectId: id });
	const { token } = await client.tunnels.token(tunnel.cloudflareId);
	await transaction(async (tx) => {
		// Of two who look for the first time at once, one does.
		const { count } = await tx.tunnel.updateMany({
			where: { id, ...(firstOnly ? { tokenShownAt: null } : {}) },
			data: { tokenShownAt: now() }
		});
		if (count === 0) throw new AppError('ALREADY_REVEALED');
		await audit(tx, {
			...{ actor: by, action: 'domains.reveal-tunnel-token', subject: { type: 'tunnel', id } },
			after: { name: tunnel.name, first: tunnel.tokenShownAt === null }
		});
	});
	return token;
}

/** Cuts all connectors off; each connects again by itself. @throws {AppError} NOT_FOUND, NOT_READY */
export async function requestRestart(tx: Tx, id: string, by: Actor): Promise<void> {
	const tunnel = await findTunnel(tx, id);
	if (!isMade(tunnel)) throw new AppError('NOT_READY');
	await audit(tx, {
		...{ actor: by, action: 'domains.restart-tunnel', subject: { type: 'tunnel', id } },
		after: { name: tunnel.name, connections: connectionCount(connectorsOf(tunnel.connectors)) }
	});
	await enqueue(tx, 'tunnels.act', { tunnelId: id, act: 'restart', by: by.label }, { key: id });
}

/** Asks for the end of a tunnel that leads nowhere. @throws {AppError} NOT_FOUND, STILL_ALIVE */
export async function requestDeletion(tx: Tx, id: string, by: Actor): Promise<void> {
	const { name, cloudflareId } = await findTunnel(tx, id);
	checkUnused(await tunnelUse(tx, id));
	await audit(tx, {
		...{ actor: by, action: 'domains.delete-tunnel', subject: { type: 'tunnel', id } },
		before: { name, cloudflareId }
	});
	await enqueue(tx, 'tunnels.act', { tunnelId: id, act: 'delete', by: by.label }, { key: id });
}
