import { z } from 'zod';
import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import { Prisma, type EdgeHost } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import { appUrl } from './derivedIngress.server.ts';
import type { EdgeHostInput } from './edgeHostForms.ts';
import { controlPlaneHost, hostHolder } from '../base/platformNames.server.ts';
import { askForRecords } from '../records/recordChanges.server.ts';
import { isUnder, neededOfHosts } from '../records/neededRecords.server.ts';
import { keyOfNeeded, type Needed } from '../records/recordStanding.ts';
import { requestConvergence } from './tunnels.server.ts';

interface Act {
	by: Actor;
}

/** What staff see of a host. */
export interface ShownHost extends Omit<EdgeHost, 'originRequest'> {
	/** Cloudflare's options as indented JSON; empty for none. */
	options: string;
	/** Why it cannot be changed or removed; null when it can. */
	stays: string | null;
}

/** Puts rows into the form that the page shows. */
export async function showHosts(tx: Tx, hosts: EdgeHost[]): Promise<ShownHost[]> {
	const toUs = await countToUs(tx);
	return hosts.map(({ originRequest, ...host }) => ({
		...host,
		options: originRequest ? JSON.stringify(originRequest, null, '\t') : '',
		stays: whyItStays(host, toUs)
	}));
}

/**
 * A host that leads somewhere else than to an instance. Its name is ours from now on: no instance gets it.
 * @throws {AppError} NOT_FOUND for a tunnel that is gone; BAD_INPUT beside `hostname`
 */
export async function addEdgeHost(
	tx: Tx,
	tunnelId: string,
	input: EdgeHostInput,
	{ by }: Act
): Promise<EdgeHost> {
	await livingTunnel(tx, tunnelId);
	await refuseTaken(tx, input.hostname);
	const last = await tx.edgeHost.aggregate({
		where: { tunnelId, adopted: false },
		_max: { position: true }
	});
	await refuseRecord(tx, input);
	const before = await recordsOf(tx, [input.hostname]);
	const host = await tx.edgeHost
		.create({
			data: { ...columnsOf(input), tunnelId, position: (last._max.position ?? 0) + 1 }
		})
		.catch(refuseTwin);
	await requestConvergence(tx, tunnelId);
	await followRecords(tx, [host.hostname], before, by);
	await note(tx, 'tunnels.add-host', by, { after: host });
	return host;
}

/** @throws {AppError} NOT_FOUND, BAD_INPUT beside `hostname` */
export async function editEdgeHost(
	tx: Tx,
	tunnelId: string,
	id: string,
	input: EdgeHostInput,
	{ by }: Act
): Promise<EdgeHost> {
	await livingTunnel(tx, tunnelId);
	const before = await findHost(tx, tunnelId, id);
	await refuseOwn(tx, before, 'hostname');
	if (input.hostname !== before.hostname) await refuseTaken(tx, input.hostname);
	await refuseRecord(tx, input);
	const names = [before.hostname, input.hostname];
	const records = await recordsOf(tx, names);
	const host = await tx.edgeHost
		.update({ where: { id }, data: columnsOf(input) })
		.catch(refuseTwin);
	const version = await requestConvergence(tx, tunnelId);
	if (host.hostname !== before.hostname || host.path !== before.path)
		await noteRemoval(tx, before, version);
	await followRecords(tx, names, records, by);
	await note(tx, 'tunnels.edit-host', by, { before, after: host });
	return host;
}

/**
 * Takes a host out of a tunnel; of one that was adopted the rule of whoever wrote it goes with it.
 * @throws {AppError} NOT_FOUND, BAD_INPUT beside `confirm`
 */
export async function removeEdgeHost(
	tx: Tx,
	tunnelId: string,
	id: string,
	{ by }: Act
): Promise<EdgeHost> {
	await livingTunnel(tx, tunnelId);
	const host = await findHost(tx, tunnelId, id);
	await refuseOwn(tx, host, 'confirm');
	const records = await recordsOf(tx, [host.hostname]);
	await tx.edgeHost.delete({ where: { id } });
	await followRecords(tx, [host.hostname], records, by);
	await noteRemoval(tx, host, await requestConvergence(tx, tunnelId));
	await note(tx, 'tunnels.remove-host', by, { before: host });
	return host;
}

/** What these names need, each once. */
async function recordsOf(tx: Tx, names: string[]): Promise<Needed[]> {
	const found: Needed[] = [];
	for (const name of new Set(names)) found.push(...(await neededOfHosts(tx, name)));
	return found;
}

/** Asks for what these names need now and did not need before, and for the end of what nothing needs any more. */
async function followRecords(tx: Tx, names: string[], before: Needed[], by: Actor): Promise<void> {
	const after = await recordsOf(tx, names);
	const others = (all: Needed[], these: Needed[]) => {
		const keys = new Set(these.map(keyOfNeeded));
		return all.filter((one) => !keys.has(keyOfNeeded(one)));
	};
	await askForRecords(
		tx,
		[
			...others(before, after).map((needed) => ({ act: 'delete' as const, needed })),
			...others(after, before).map((needed) => ({ act: 'create' as const, needed }))
		],
		by
	);
}

/** Its rule stands in the document until this version is applied, and must not pass for somebody else's meanwhile. */
async function noteRemoval(tx: Tx, host: EdgeHost, version: number): Promise<void> {
	const { tunnelId, hostname, path } = host;
	const tunnel = await tx.tunnel.findUniqueOrThrow({
		where: { id: tunnelId },
		select: { appliedVersion: true }
	});
	await tx.edgeHostRemoval.deleteMany({
		where: { tunnelId, version: { lte: tunnel.appliedVersion } }
	});
	await tx.edgeHostRemoval.create({ data: { tunnelId, hostname, path, version } });
}

/** @throws {AppError} NOT_FOUND */
export async function findHost(tx: Tx, tunnelId: string, id: string): Promise<EdgeHost> {
	const found = z.uuid().safeParse(id).success
		? await tx.edgeHost.findFirst({ where: { id, tunnelId } })
		: null;
	if (!found) throw new AppError('NOT_FOUND');
	return found;
}

/** @throws {AppError} NOT_FOUND */
export async function livingTunnel(tx: Tx, id: string): Promise<{ id: string; name: string }> {
	const tunnel = z.uuid().safeParse(id).success
		? await tx.tunnel.findFirst({
				where: { id, deletedAt: null },
				select: { id: true, name: true }
			})
		: null;
	if (!tunnel) throw new AppError('NOT_FOUND');
	return tunnel;
}

/** Where this application is reached: beside a connector, or as it says itself. */
function ownAddresses(): string[] {
	return [appUrl(), new URL(env.ORIGIN).origin];
}

/** How many hosts lead to this application, in all tunnels. */
function countToUs(tx: Tx): Promise<number> {
	return tx.edgeHost.count({
		where: { service: { in: ownAddresses() }, tunnel: { deletedAt: null } }
	});
}

/** @param toUs how many hosts lead to this application, in all tunnels */
function whyItStays(
	{ hostname, service }: Pick<EdgeHost, 'hostname' | 'service'>,
	toUs: number
): string | null {
	if (!ownAddresses().includes(service)) return null;
	if (hostname === controlPlaneHost()) return m.tunnels_host_is_ours();
	return toUs === 1 ? m.tunnels_host_is_last() : null;
}

async function refuseOwn(tx: Tx, host: EdgeHost, field: string): Promise<void> {
	const reason = whyItStays(host, await countToUs(tx));
	if (reason) throw new AppError('BAD_INPUT', { fields: { [field]: reason } });
}

/** A name of an instance, of a customer, or that customers point at. @throws {AppError} BAD_INPUT */
async function refuseTaken(tx: Tx, hostname: string): Promise<void> {
	const refuse = (sentence: string) =>
		new AppError('BAD_INPUT', { fields: { hostname: sentence } });
	if (await hostHolder(tx, hostname)) throw refuse(m.domains_host_is_instance({ host: hostname }));
	const target = await tx.baseDomain.findFirst({
		where: { target: hostname },
		select: { name: true }
	});
	if (target) throw refuse(m.domains_base_target_taken({ name: target.name }));
}

/** Only in a zone of ours a record is ours to make. @throws {AppError} BAD_INPUT beside `dns` */
async function refuseRecord(tx: Tx, { hostname, dnsKept }: EdgeHostInput): Promise<void> {
	if (!dnsKept) return;
	const bases = await tx.baseDomain.findMany({ select: { name: true } });
	if (!bases.some(({ name }) => isUnder(hostname, name)))
		throw new AppError('BAD_INPUT', { fields: { dns: m.tunnels_host_dns_elsewhere() } });
}

function refuseTwin(error: unknown): never {
	if (!isUniqueViolation(error)) throw error;
	throw new AppError('BAD_INPUT', { fields: { hostname: m.tunnels_host_exists() } });
}

function columnsOf({ originRequest, ...input }: EdgeHostInput) {
	const { data } = jsonObject.safeParse(originRequest);
	return { ...input, originRequest: data ?? Prisma.DbNull };
}

const jsonObject = z.record(z.string(), z.json());

function note(
	tx: Tx,
	action: string,
	by: Actor,
	sides: { before?: EdgeHost; after?: EdgeHost }
): Promise<void> {
	const shown = (host: EdgeHost | undefined) =>
		host && {
			...{ hostname: host.hostname, path: host.path, service: host.service },
			...{ originRequest: host.originRequest, adopted: host.adopted, dnsKept: host.dnsKept }
		};
	const host = sides.after ?? sides.before;
	return audit(tx, {
		actor: by,
		action,
		subject: { type: 'tunnel', id: host?.tunnelId ?? null },
		before: shown(sides.before),
		after: shown(sides.after)
	});
}
