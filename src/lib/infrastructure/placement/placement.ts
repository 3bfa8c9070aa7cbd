import type { Isolation } from '#prisma/generated/enums.ts';
import type { PlacingState } from '../nodes/health.ts';

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
	status: PlacingState;
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
	/** Its cluster has a template to copy. */
	hasTemplate: boolean;
}

export interface Wanted extends Resources {
	isolation: Isolation;
	region?: string;
	clusterId?: string;
}

export type Rejection =
	| { code: 'offline' | 'maintenance' | 'unwell' | 'isolation' }
	| { code: 'region'; wanted: string; has: string }
	| { code: 'cluster' }
	| { code: keyof Resources; wanted: number; free: number }
	| { code: 'containers'; max: number }
	| { code: 'addresses' | 'template' | 'vmids' };

export interface Verdict {
	candidate: Candidate;
	fits: boolean;
	/** Everything that speaks against the node; empty when it fits. */
	reasons: Rejection[];
}

/**
 * Judges every node for one more container: those that fit first, best first (least committed, then least used, then
 * priority), then the others with all their reasons. Takes nothing.
 */
export function judge(candidates: Candidate[], wanted: Wanted): Verdict[] {
	return candidates
		.map((candidate) => {
			const reasons = rejections(candidate, wanted);
			return { candidate, fits: reasons.length === 0, reasons };
		})
		.sort((a, b) => Number(b.fits) - Number(a.fits) || compare(a.candidate, b.candidate));
}

/** Why a node cannot take the container; empty when it can. */
export function rejections(node: Candidate, wanted: Wanted): Rejection[] {
	const reasons: Rejection[] = [];
	if (node.status !== 'online') reasons.push({ code: node.status });
	// A second node with replicated storage takes over there; no cluster has that yet.
	if (wanted.isolation === 'dedicated_ha') reasons.push({ code: 'isolation' });
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
	return reasons;
}

/** 0–1 of what may be promised that is promised, of the scarcest resource. */
export function committedFraction({ committed, limit }: Pick<Candidate, 'committed' | 'limit'>) {
	return Math.max(
		...RESOURCES.map((code) => (limit[code] > 0 ? committed[code] / limit[code] : 1))
	);
}

function compare(a: Candidate, b: Candidate): number {
	return (
		committedFraction(a) - committedFraction(b) ||
		// What was not measured may be anything, so it comes after what was.
		(a.usedFraction ?? 1) - (b.usedFraction ?? 1) ||
		b.priority - a.priority ||
		a.name.localeCompare(b.name)
	);
}

/** A shared container as placement sees it. */
export interface SharedCandidate {
	containerId: string;
	vmid: number;
	nodeId: string;
	clusterId: string;
	region: string;
	nodeStatus: PlacingState;
	status: string;
	retiring: boolean;
	slots: number;
	/** Tenants in it that are neither deleted nor refunded. */
	taken: number;
}

export type SharedRejection =
	| { code: 'node_offline' | 'node_maintenance' | 'node_unwell' | 'not_usable' | 'cluster' }
	| { code: 'region'; wanted: string; has: string }
	| { code: 'full'; slots: number };

export interface SharedVerdict {
	candidate: SharedCandidate;
	fits: boolean;
	reasons: SharedRejection[];
}

/** Judges every shared container for one more tenant: those with room first, the emptiest first. Takes nothing. */
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
