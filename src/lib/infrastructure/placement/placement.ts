import type { Isolation } from '#prisma/generated/enums.ts';
import type { PlacingState } from '../nodes/health.ts';
import { bestServer, type ReadyServer } from '../postgres/names.ts';
import { partnerFor, type Partner } from './partner.ts';
import { byRank } from './ranking.ts';

/** What a container is promised, or a node can promise. */
export interface Resources {
	cpuCores: number;
	ramMb: number;
	diskGb: number;
}

export const RESOURCES = ['cpuCores', 'ramMb', 'diskGb'] as const satisfies (keyof Resources)[];

/** A node as placement sees it. */
export interface Candidate {
	nodeId: string;
	name: string;
	clusterId: string;
	region: string;
	/** `silent`: its cluster does not say what it has. */
	status: PlacingState | 'silent';
	/** Capacity times overcommit: what may be promised in all. */
	limit: Resources;
	/** Promised to containers (shared ones and templates included) and reservations. */
	committed: Resources;
	containers: number;
	maxContainers: number;
	/** 0–1 of the scarcest measured resource; null when it is not known or old. */
	usedFraction: number | null;
	/** Higher goes first among equals. */
	priority: number;
	/** Addresses left in the cluster's pools. */
	freeAddresses: number;
	/** VMIDs left in the cluster's range. */
	freeVmids: number;
	/** Its cluster has a template that is ready and chosen for new containers. */
	hasTemplate: boolean;
	/**
	 * Servers of databases that are ready in its cluster, where the template for new containers has no PostgreSQL; absent:
	 * they have their databases inside.
	 */
	databases?: ReadyServer[] | undefined;
	/** What it has for high availability; absent: its storages were not looked at yet. */
	ha?: HaAbility;
}

/** What high availability needs of a node. */
export interface HaAbility {
	/** Its Proxmox has HA rules, as since version 9; unknown counts as yes. */
	hasRules: boolean;
	/** What is copied lies on it: to storage that is not shared it can be copied there alone. */
	hasTemplate: boolean;
	/** Those from which another node can go on, the best first. */
	storages: HaStorage[];
}

/** A storage that another node shares, or that can be replicated to one. */
export interface HaStorage {
	storage: string;
	/** The one that its cluster's containers lie on, whose room is the node's own limit. */
	own: boolean;
	shared: boolean;
	/** What may still be promised on it. */
	freeGb: number;
}

export interface Wanted extends Resources {
	isolation: Isolation;
	region?: string;
	clusterId?: string;
	nodeId?: string;
	/** `18.0`: what is moved must find the Odoo that it has. */
	odooVersion?: string;
	/** A shared container that somebody is to leave. */
	besides?: string;
}

export type Rejection =
	| { code: 'offline' | 'maintenance' | 'unwell' | 'silent' }
	| { code: 'ha_version' | 'ha_storage' | 'ha_template' | 'ha_partner' }
	| { code: 'ha_quorum'; online: number }
	| { code: 'region'; wanted: string; has: string }
	| { code: 'cluster' }
	| { code: keyof Resources; wanted: number; free: number }
	| { code: 'containers'; max: number }
	| { code: 'addresses' | 'template' | 'vmids' | 'ha_databases' }
	| { code: 'database_server' | 'database_server_full' };

export interface Verdict {
	candidate: Candidate;
	fits: boolean;
	/** Everything that speaks against the node; empty when it fits. */
	reasons: Rejection[];
	/** The node that would take over from it, and the storage of both; only where that is wanted, and only when there is one. */
	partner?: Partner;
}

/**
 * Judges every node for one more container: those that fit first, best first (least committed, then least used, then
 * priority), then the others with all their reasons. Takes nothing.
 * @param world among whom the partner for high availability is looked for
 */
export function judge(candidates: Candidate[], wanted: Wanted, world = candidates): Verdict[] {
	return candidates
		.map((candidate) => verdictOf(candidate, wanted, world))
		.sort((a, b) => Number(b.fits) - Number(a.fits) || byRank(a.candidate, b.candidate));
}

function verdictOf(candidate: Candidate, wanted: Wanted, world: Candidate[]): Verdict {
	if (wanted.isolation !== 'dedicated_ha') {
		const reasons = rejections(candidate, wanted);
		return { candidate, fits: reasons.length === 0, reasons };
	}
	const found = partnerFor(candidate, wanted, world);
	// On a storage besides the cluster's own the node's disk is not what it takes.
	const hasOwnRoom = !('partner' in found) || found.partner.storage.own;
	const reasons = [
		...rejections(candidate, hasOwnRoom ? wanted : { ...wanted, diskGb: 0 }),
		...('partner' in found ? [] : found.reasons)
	];
	return {
		...{ candidate, fits: reasons.length === 0, reasons },
		...('partner' in found && { partner: found.partner })
	};
}

/** Why a node cannot take the container, whoever takes over from it; empty when it can. */
export function rejections(node: Candidate, wanted: Wanted): Rejection[] {
	const reasons: Rejection[] = [];
	if (node.status !== 'online') reasons.push({ code: node.status });
	if (wanted.clusterId && wanted.clusterId !== node.clusterId) reasons.push({ code: 'cluster' });
	if (wanted.region && wanted.region !== node.region) {
		reasons.push({ code: 'region', wanted: wanted.region, has: node.region });
	}
	for (const code of RESOURCES) {
		const free = Math.max(0, node.limit[code] - node.committed[code]);
		if (wanted[code] > free) reasons.push({ code, wanted: wanted[code], free });
	}
	if (node.containers >= node.maxContainers) {
		reasons.push({ code: 'containers', max: node.maxContainers });
	}
	if (node.freeAddresses < 1) reasons.push({ code: 'addresses' });
	if (node.freeVmids < 1) reasons.push({ code: 'vmids' });
	if (!node.hasTemplate) reasons.push({ code: 'template' });
	const withoutServer = lacksServer(node, wanted);
	if (withoutServer) reasons.push({ code: withoutServer });
	// One that goes on elsewhere without its databases is not available.
	if (node.databases && wanted.isolation === 'dedicated_ha') reasons.push({ code: 'ha_databases' });
	return reasons;
}

/** What keeps a new container on this node from a server of databases: none is ready, or none has connections left. */
export function lacksServer(
	{ databases, nodeId }: Candidate,
	odoo: Resources
): 'database_server' | 'database_server_full' | null {
	if (!databases || bestServer(databases, nodeId, odoo)) return null;
	return databases.length > 0 ? 'database_server_full' : 'database_server';
}

/** A shared container as placement sees it. */
export interface SharedCandidate {
	containerId: string;
	vmid: number;
	nodeId: string;
	clusterId: string;
	region: string;
	nodeStatus: Candidate['status'];
	status: string;
	retiring: boolean;
	/** Made ahead, and nobody lives in it: it is opened when the others are full. */
	warm: boolean;
	slots: number;
	/** Tenants in it that are neither deleted nor refunded, and those that moves hold a place for. */
	taken: number;
	/** `18.0`; null or absent: unknown. */
	odooVersion?: string | null;
}

export type SharedRejection =
	| {
			code:
				| 'node_offline'
				| 'node_maintenance'
				| 'node_unwell'
				| 'node_silent'
				| 'not_usable'
				| 'cluster';
	  }
	| { code: 'region'; wanted: string; has: string }
	| { code: 'full'; slots: number };

export interface SharedVerdict {
	candidate: SharedCandidate;
	fits: boolean;
	reasons: SharedRejection[];
}

/**
 * Judges every shared container for one more tenant: those with room first, those in service before those made ahead, the
 * emptiest first. Takes nothing.
 */
export function judgeShared(
	candidates: SharedCandidate[],
	wanted: Pick<Wanted, 'region' | 'clusterId'>
): SharedVerdict[] {
	return candidates
		.map((candidate) => {
			const reasons = sharedRejections(candidate, wanted);
			return { candidate, fits: reasons.length === 0, reasons };
		})
		.sort(
			(a, b) =>
				Number(b.fits) - Number(a.fits) ||
				Number(a.candidate.warm) - Number(b.candidate.warm) ||
				a.candidate.taken - b.candidate.taken ||
				a.candidate.vmid - b.candidate.vmid
		);
}

function sharedRejections(
	container: SharedCandidate,
	wanted: Pick<Wanted, 'region' | 'clusterId'>
): SharedRejection[] {
	const reasons: SharedRejection[] = [];
	if (container.nodeStatus !== 'online') {
		reasons.push({ code: `node_${container.nodeStatus}` });
	}
	if (container.retiring || !['provisioning', 'running'].includes(container.status)) {
		reasons.push({ code: 'not_usable' });
	}
	if (wanted.clusterId && wanted.clusterId !== container.clusterId)
		reasons.push({ code: 'cluster' });
	if (wanted.region && wanted.region !== container.region) {
		reasons.push({ code: 'region', wanted: wanted.region, has: container.region });
	}
	if (container.taken >= container.slots) reasons.push({ code: 'full', slots: container.slots });
	return reasons;
}
