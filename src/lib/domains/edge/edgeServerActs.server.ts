import { now } from '#lib/core/clock.server.ts';
import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { Prisma, type EdgeServer } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import { askForPreparation } from '../base/basePrepare.server.ts';
import type { EdgeServerInput } from './edgeServerForms.ts';
import { requestEdge } from './edgeServers.server.ts';

interface Act {
	by: Actor;
}

/** Takes a machine into use as an edge; its nginx gets its first configuration at once. @throws {AppError} BAD_INPUT */
export async function addEdgeServer(
	tx: Tx,
	input: EdgeServerInput,
	{ by }: Act
): Promise<EdgeServer> {
	await refuseTaken(tx, input, null);
	const server = await tx.edgeServer.create({ data: input }).catch((error: unknown) => {
		throw isUniqueViolation(error) ? nameTaken(input.name) : error;
	});
	await noted(tx, 'domains.add-edge-server', server, by, null, shown(server));
	await requestEdge(tx, server.id);
	return server;
}

/**
 * Changes where it is, or what the world reaches it by: records of its base domains follow.
 * @throws {AppError} NOT_FOUND, BAD_INPUT
 */
export async function editEdgeServer(
	tx: Tx,
	id: string,
	input: EdgeServerInput,
	{ by }: Act
): Promise<EdgeServer> {
	const before = await findEdgeServer(tx, id);
	await refuseTaken(tx, input, id);
	const server = await tx.edgeServer
		.update({ where: { id }, data: input })
		.catch((error: unknown) => {
			throw isUniqueViolation(error) ? nameTaken(input.name) : error;
		});
	await noted(tx, 'domains.edit-edge-server', server, by, shown(before), shown(server));
	await requestEdge(tx, id);
	for (const base of await tx.baseDomain.findMany({ where: { edgeServerId: id } }))
		await askForPreparation(tx, base.id);
	return server;
}

/** Forgets it; what stands on the machine stays there. @throws {AppError} NOT_FOUND; BAD_INPUT while base domains lead to it */
export async function removeEdgeServer(tx: Tx, id: string, { by }: Act): Promise<EdgeServer> {
	const server = await findEdgeServer(tx, id);
	const bases = await tx.baseDomain.findMany({
		where: { edgeServerId: id },
		select: { name: true }
	});
	if (bases.length > 0)
		throw new AppError('BAD_INPUT', {
			fields: {
				confirm: m.domains_server_in_use({ names: bases.map(({ name }) => name).join(', ') })
			}
		});
	await tx.edgeServer.delete({ where: { id } });
	await noted(tx, 'domains.remove-edge-server', server, by, shown(server), null);
	return server;
}

/** @throws {AppError} NOT_FOUND */
export async function findEdgeServer(tx: Tx, id: string): Promise<EdgeServer> {
	const server = await tx.edgeServer.findUnique({ where: { id } });
	if (!server) throw new AppError('NOT_FOUND');
	return server;
}

/** All of them with what comes through each, and the certificates that do not come. */
export async function listEdgeServers(tx: Tx) {
	const servers = await tx.edgeServer.findMany({
		orderBy: { name: 'asc' },
		include: {
			node: { select: { id: true, name: true } },
			baseDomains: { orderBy: { name: 'asc' }, select: { id: true, name: true } }
		}
	});
	return Promise.all(
		servers.map(async (server) => ({ ...server, ...(await certificatesOf(tx, server.id)) }))
	);
}

/** So many troubled certificates are named; the rest is counted. */
const NAMED = 10;

interface Counts {
	domains: number;
	certified: number;
	troubles: number;
}

interface Troubled {
	customDomainId: string;
	hostname: string;
	error: string;
	nextTryAt: Date | null;
}

async function certificatesOf(tx: Tx, edgeServerId: string) {
	const served = Prisma.sql`FROM custom_domains own
		JOIN tenant_deployments tenant ON tenant.id = own.tenant_deployment_id
		JOIN base_domains base ON base.id = tenant.base_domain_id
		LEFT JOIN edge_certificates certificate ON certificate.custom_domain_id = own.id
		WHERE base.edge_server_id = ${edgeServerId}::uuid AND own.driver = 'edge'
			AND own.verification_status NOT IN ('removed', 'inactive')`;
	const [counts] = await tx.$queryRaw<[Counts]>`
		SELECT count(*)::int AS domains, count(*) FILTER (WHERE certificate.error IS NOT NULL)::int AS troubles,
			count(*) FILTER (WHERE certificate.not_after > ${now()})::int AS certified ${served}`;
	const troubled = await tx.$queryRaw<Troubled[]>`
		SELECT own.id AS "customDomainId", own.external_domain AS hostname, certificate.error,
			certificate.next_try_at AS "nextTryAt"
		${served} AND certificate.error IS NOT NULL
		ORDER BY certificate.next_try_at NULLS LAST, own.external_domain LIMIT ${NAMED}`;
	return { ...counts, troubled };
}

async function refuseTaken(
	tx: Tx,
	{ nodeId, vmid }: EdgeServerInput,
	self: string | null
): Promise<void> {
	if ((await tx.node.count({ where: { id: nodeId, removedAt: null } })) === 0)
		throw new AppError('BAD_INPUT', { fields: { node: m.domains_server_node_missing() } });
	const other = await tx.edgeServer.findFirst({
		where: { nodeId, vmid, ...(self ? { id: { not: self } } : {}) },
		select: { name: true }
	});
	if (other)
		throw new AppError('BAD_INPUT', {
			fields: { vmid: m.domains_server_place_taken({ name: other.name }) }
		});
}

function nameTaken(name: string): AppError {
	return new AppError('BAD_INPUT', { fields: { name: m.domains_server_exists({ name }) } });
}

async function noted(
	tx: Tx,
	action: string,
	{ id }: EdgeServer,
	actor: Actor,
	before: object | null,
	after: object | null
): Promise<void> {
	await audit(tx, {
		...{ actor, action, subject: { type: 'edge-server', id } },
		...(before && { before }),
		...(after && { after })
	});
	await publish(tx, 'staff:edge-servers', id);
}

function shown({ name, nodeId, vmid, ipv4, ipv6 }: EdgeServer) {
	return { name, nodeId, vmid, ipv4, ipv6 };
}
