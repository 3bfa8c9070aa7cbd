import { now } from '#lib/core/clock.server.ts';
import { db, isUniqueViolation, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { NodeEnrolment as Draft } from '#prisma/generated/client.ts';
import { adoptGuest, ignoreGuest } from '../containers/adoption.server.ts';
import { capacityOn, isEnough, type Findings, type FoundGuest } from './discovery.ts';
import { overlaps } from '../placement/addresses.ts';
import { isDormant, takeTemplatesBack } from './enrolAgain.server.ts';
import { enrolCluster, enrolNode, type NodeEnrolment } from './enrol.server.ts';
import type { Decision, NewClusterInput, PlaceInput } from './enrolmentForms.ts';
import { draftToken, findEnrolment, lookOverApi } from './enrolments.server.ts';
import { lookProblem } from './enrolmentWords.ts';
import { sameHost } from './sameHost.server.ts';
import { capacityAppeared } from './waiters.server.ts';

interface Choice {
	place: PlaceInput;
	/** What becomes of each container that is there, by VMID; none is said: later. */
	decisions: ReadonlyMap<number, Decision>;
	/** Somebody takes it on as it is, although a privilege or SSH is missing. */
	accepted: boolean;
}

/**
 * Makes the draft a node: reads once more what is there, writes node, cluster and what becomes of the containers in one
 * transaction, and forgets the draft's token. Doing it twice answers the same node.
 * @throws {AppError} BAD_INPUT beside the field that does not fit what the node says; NOT_FOUND; WRONG_STATE
 */
export async function finishEnrolment(
	id: string,
	choice: Choice,
	by: Actor
): Promise<{ nodeId: string }> {
	const draft = await findEnrolment(db, id);
	if (draft.nodeId) return { nodeId: draft.nodeId };
	const adopted = [...choice.decisions].flatMap(([vmid, decision]) =>
		decision === 'odoo' || decision === 'postgres' ? [vmid] : []
	);
	const findings = await lookOverApi(draft, new Set(adopted));
	if (typeof findings === 'string') throw refused('cluster', lookProblem(findings));
	await refuseUnready(draft, findings, choice);
	const node = await nodeOf(draft, findings, choice.place);
	try {
		return await transaction(async (tx) => {
			const { count } = await tx.nodeEnrolment.updateMany({
				where: { id, nodeId: null, apiFingerprint: draft.apiFingerprint },
				data: { apiToken: '', findings }
			});
			if (count === 0) throw new AppError('CHANGED_MEANWHILE');
			await refuseSame(tx, node);
			const placed = await write(tx, node, findings, choice.place);
			await tx.nodeEnrolment.update({ where: { id }, data: { nodeId: placed.nodeId } });
			await decide(tx, placed.clusterId, node.name, findings, choice.decisions, by);
			await audit(tx, {
				actor: by,
				action: 'infrastructure.enrol-node',
				subject: { type: 'node', id: placed.nodeId },
				after: { ...shownOf(node), missing: findings.missing?.map(({ name }) => name) ?? null }
			});
			await publish(tx, 'staff:nodes', placed.nodeId);
			await capacityAppeared(tx);
			return { nodeId: placed.nodeId };
		});
	} catch (error) {
		if (!isUniqueViolation(error)) throw error;
		throw refused('name', m.enrol_cluster_exists());
	}
}

function refused(field: string, sentence: string): AppError {
	return new AppError('BAD_INPUT', { fields: { [field]: sentence } });
}

/** @throws {AppError} BAD_INPUT */
async function refuseUnready(
	draft: Draft,
	findings: Findings,
	{ place, accepted }: Choice
): Promise<void> {
	if (!isEnough(findings) || !findings.node) throw refused('cluster', m.enrol_not_enough_rights());
	const ssh = draft.sshFindings;
	const isSshFine = typeof ssh === 'object' && ssh !== null && 'ok' in ssh && ssh.ok === true;
	const isComplete = findings.missing?.length === 0 && isSshFine;
	if (!isComplete && !accepted) throw refused('accepted', m.enrol_accept_first());
	const { clusterId } = findings;
	if (clusterId && place.into === 'new') throw refused('cluster', m.enrol_cluster_known());
	// Of a cluster without nodes nobody can be asked; in its books nothing lives, so that staff may choose it.
	const isHers =
		place.into === 'new' ||
		place.cluster === clusterId ||
		(!clusterId && (await isDormant(db, place.cluster)));
	if (!isHers) throw refused('cluster', m.enrol_cluster_other());
	if (!clusterId) return;
	const known = await db.node.findUnique({
		where: { clusterId_name: { clusterId, name: findings.node }, removedAt: null },
		select: { name: true }
	});
	if (known) throw refused('cluster', m.enrol_known({ name: known.name }));
}

/** What is written of the node. @throws {AppError} BAD_INPUT where it lacks what its cluster needs */
async function nodeOf(draft: Draft, findings: Findings, place: PlaceInput): Promise<NodeEnrolment> {
	const storage =
		place.into === 'new' ? place.rootfs_storage : await storageOfCluster(place.cluster, findings);
	if (place.into === 'new') refuseUnfit(place, findings);
	const capacity = capacityOn(findings, storage);
	if (!capacity)
		throw refused(
			place.into === 'new' ? 'rootfs_storage' : 'cluster',
			m.enrol_no_storage({ storage })
		);
	return {
		name: findings.node!,
		hostname: new URL(draft.apiUrl).hostname.replace(/^\[|\]$/g, ''),
		proxmoxVersion: findings.version,
		apiUrl: draft.apiUrl,
		apiToken: draftToken(draft),
		apiFingerprint: draft.apiFingerprint!,
		sshHost: draft.sshHost,
		sshPort: draft.sshPort,
		sshUser: draft.sshUser,
		sshHostKey: draft.sshHostKey!,
		capacity,
		overcommit: {
			cpu: place.cpu_overcommit,
			ram: place.ram_overcommit,
			disk: place.disk_overcommit
		},
		maxContainers: place.max_containers,
		priority: place.priority
	};
}

/** Where containers of a cluster lie. @throws {AppError} BAD_INPUT when the node lacks a bridge that they are on */
async function storageOfCluster(clusterId: string, findings: Findings): Promise<string> {
	const cluster = await db.cluster.findUniqueOrThrow({
		where: { id: clusterId },
		select: { rootfsStorage: true, pools: { select: { bridge: true } } }
	});
	const bridges = new Set(findings.bridges?.map(({ name }) => name));
	const lacking = cluster.pools.find(({ bridge }) => !bridges.has(bridge));
	if (lacking) throw refused('cluster', m.enrol_no_bridge({ bridge: lacking.bridge }));
	return cluster.rootfsStorage;
}

/** @throws {AppError} BAD_INPUT beside what the node does not have */
function refuseUnfit(place: NewClusterInput, { node, storages, bridges, templates }: Findings) {
	const fields: Record<string, string> = {};
	const holds = (name: string, content: string) =>
		storages?.some((one) => one.name === name && one.content.includes(content));
	if (!holds(place.rootfs_storage, 'rootdir'))
		fields.rootfs_storage = m.enrol_no_storage({ storage: place.rootfs_storage });
	if (!holds(place.backup_storage, 'backup'))
		fields.backup_storage = m.enrol_no_storage({ storage: place.backup_storage });
	if (!bridges?.some(({ name }) => name === place.bridge))
		fields.bridge = m.enrol_no_bridge({ bridge: place.bridge });
	const { template_vmid: vmid } = place;
	if (vmid !== null && !templates?.some((one) => one.vmid === vmid && one.node === node))
		fields.template_vmid = m.enrol_no_template({ vmid });
	if (Object.keys(fields).length > 0) throw new AppError('BAD_INPUT', { fields });
}

/** Of two drafts of one machine the second finds the first. @throws {AppError} BAD_INPUT */
async function refuseSame(tx: Tx, node: NodeEnrolment): Promise<void> {
	await lock(tx, 'infrastructure.finish-enrolment');
	const sentence = await sameHost(tx, node);
	if (sentence) throw refused('cluster', sentence);
}

async function write(
	tx: Tx,
	node: NodeEnrolment,
	findings: Findings,
	place: PlaceInput
): Promise<{ clusterId: string; nodeId: string }> {
	if (place.into === 'known') {
		const wasDormant = await isDormant(tx, place.cluster);
		const { id } = await enrolNode(tx, place.cluster, node);
		if (wasDormant) await takeTemplatesBack(tx, { clusterId: place.cluster, nodeId: id }, findings);
		return { clusterId: place.cluster, nodeId: await seenNow(tx, id) };
	}
	const taken = await tx.cluster.findUnique({ where: { name: place.name }, select: { id: true } });
	if (taken) throw refused('name', m.enrol_cluster_exists());
	await refuseSharedNetwork(tx, place.network);
	const template = findings.templates?.find(({ vmid }) => vmid === place.template_vmid);
	const { clusterId } = await enrolCluster(tx, {
		name: place.name,
		region: place.region,
		vmidMin: place.vmid_min,
		vmidMax: place.vmid_max,
		odooVersion: place.odoo_version,
		templatePrefix: place.template_prefix,
		rootfsStorage: place.rootfs_storage,
		backupStorage: place.backup_storage,
		nodes: [node],
		template: template ? { ...sizeOf(template), node: node.name, hostname: template.name } : null,
		pool: {
			name: 'tenants',
			bridge: place.bridge,
			vlan: place.vlan,
			network: place.network,
			gateway: place.gateway
		}
	});
	const { id } = await tx.node.findFirstOrThrow({ where: { clusterId }, select: { id: true } });
	return { clusterId, nodeId: await seenNow(tx, id) };
}

/**
 * A tunnel leads to addresses: of two containers that have the same one nobody could say which is meant.
 * @throws {AppError} BAD_INPUT where another cluster in service has addresses of this network
 */
async function refuseSharedNetwork(tx: Tx, network: string): Promise<void> {
	const pools = await tx.addressPool.findMany({
		where: { cluster: { nodes: { some: { removedAt: null } } } },
		select: { network: true, cluster: { select: { name: true } } }
	});
	const shared = pools.find((pool) => overlaps(pool.network, network));
	if (shared)
		throw refused(
			'network',
			m.enrol_network_shared({ network: shared.network, cluster: shared.cluster.name })
		);
}

/** It has just answered. */
async function seenNow(tx: Tx, id: string): Promise<string> {
	await tx.node.update({ where: { id }, data: { lastSeenAt: now() } });
	return id;
}

async function decide(
	tx: Tx,
	clusterId: string,
	node: string,
	findings: Findings,
	decisions: ReadonlyMap<number, Decision>,
	by: Actor
): Promise<void> {
	const books = await tx.container.findMany({
		where: { clusterId, status: { not: 'deleted' } },
		select: { vmid: true }
	});
	const known = new Set(books.map(({ vmid }) => vmid));
	for (const guest of findings.guests ?? []) {
		const decision = decisions.get(guest.vmid) ?? 'later';
		if (decision === 'later' || known.has(guest.vmid)) continue;
		if (decision === 'ignore') {
			await ignoreGuest(tx, { clusterId, vmid: guest.vmid, hostname: guest.name }, { by });
		} else if (guest.type === 'lxc') {
			const { ip, rootVolume, markedAs, running, name: hostname } = guest;
			const facts = { ip, rootVolume, markedAs, running, hostname, ...sizeOf(guest) };
			await adoptGuest(tx, { ...facts, clusterId, node }, decision, { by });
		}
	}
}

function sizeOf({ vmid, cpuCores, ramMb, diskGb }: FoundGuest) {
	return { vmid, cpuCores, ramMb, diskGb };
}

function shownOf({ name, apiUrl, sshHost, sshPort, apiFingerprint, sshHostKey }: NodeEnrolment) {
	return { name, apiUrl, sshHost, sshPort, apiFingerprint, sshHostKey };
}
