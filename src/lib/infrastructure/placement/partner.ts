import {
	RESOURCES,
	type Candidate,
	type HaStorage,
	type Rejection,
	type Wanted
} from './placement.ts';
import { byRank } from './ranking.ts';

/** The node that takes over when a container's own dies. */
export interface Partner {
	candidate: Candidate;
	/** On which the container has to lie, as its own node has it. */
	storage: HaStorage;
}

/** With one of two nodes dead the other cannot know that it is the one to go on: a majority must be left. */
export const QUORUM_NODES = 3;

/**
 * The best node to take over from another, or what keeps every one from it. Both must have a storage that they share or
 * that is replicated from one to the other, and the partner the whole room of the container, which is promised on both.
 * @param storage where the container lies already
 */
export function partnerFor(
	node: Candidate,
	wanted: Pick<Wanted, 'cpuCores' | 'ramMb' | 'diskGb'>,
	world: Candidate[],
	storage?: string
): { partner: Partner } | { reasons: Rejection[] } {
	const reasons: Rejection[] = [];
	const members = world.filter(({ clusterId }) => clusterId === node.clusterId);
	const online = members.filter(({ status }) => status !== 'offline').length;
	if (online < QUORUM_NODES) reasons.push({ code: 'ha_quorum', online });
	const others = members.filter(({ nodeId }) => nodeId !== node.nodeId);
	if (node.ha && !node.ha.hasRules) reasons.push({ code: 'ha_version' });
	const good = (node.ha?.storages ?? []).filter(
		(one) =>
			(storage === undefined || one.storage === storage) &&
			(storage !== undefined || one.own || one.freeGb >= wanted.diskGb) &&
			others.some((other) => hasStorage(other, one))
	);
	const usable = good.filter(
		({ shared }) => storage !== undefined || shared || node.ha?.hasTemplate === true
	);
	if (good.length === 0) reasons.push({ code: 'ha_storage' });
	else if (usable.length === 0) reasons.push({ code: 'ha_template' });
	const [best] = others
		.flatMap((candidate) => {
			const common = usable.find((one) => takesOver(candidate, wanted, one));
			return common ? [{ candidate, storage: common }] : [];
		})
		.sort((a, b) => byRank(a.candidate, b.candidate));
	if (!best && reasons.length === 0) reasons.push({ code: 'ha_partner' });
	return best && reasons.length === 0 ? { partner: best } : { reasons };
}

function hasStorage({ ha }: Candidate, { storage, shared }: HaStorage): boolean {
	return ha?.storages.some((one) => one.storage === storage && one.shared === shared) ?? false;
}

function takesOver(
	node: Candidate,
	wanted: Pick<Wanted, 'cpuCores' | 'ramMb' | 'diskGb'>,
	storage: HaStorage
): boolean {
	if (node.status !== 'online' || node.containers >= node.maxContainers) return false;
	if (node.ha?.hasRules === false || !hasStorage(node, storage)) return false;
	const there = node.ha?.storages.find((one) => one.storage === storage.storage);
	return RESOURCES.every((code) => {
		if (code === 'diskGb' && there && !there.own) return there.freeGb >= wanted.diskGb;
		return node.limit[code] - node.committed[code] >= wanted[code];
	});
}
