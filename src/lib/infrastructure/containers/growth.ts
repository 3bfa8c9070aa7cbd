import { RESOURCES, type Resources } from '../placement/placement.ts';

/**
 * Why a container cannot have other limits where it is: `moving` passes, and so does `coming`, which means that what was made
 * ahead for others is in the way and goes. `free` is what its node may still promise.
 */
export type GrowthRejection =
	| { code: 'offline' | 'moving' | 'coming' }
	| { code: keyof Resources; wanted: number; free: number };

/** What other limits mean for a container. */
export interface Growth {
	fits: boolean;
	reasons: GrowthRejection[];
	from: Resources;
	/** What it will have: a disk never shrinks. */
	to: Resources;
	/** The plan has a smaller disk than it has, which stays. */
	diskStays: boolean;
	/** Made ahead for others, and to go first (`coming`); empty when enough of them are going already. */
	yields: { containerId: string; vmid: number }[] | null;
}

/** It lacks room that nothing else makes. */
export function lacksRoom({ reasons }: Pick<Growth, 'reasons'>): boolean {
	return reasons.some((reason) => 'free' in reason);
}

/** Limits that a container comes to have when these are wanted of it. */
export function grown(has: Resources, wanted: Resources): Resources {
	return { ...wanted, diskGb: Math.max(has.diskGb, wanted.diskGb) };
}

/**
 * Judges other limits for a container that stays on its node: only what is more than it has now needs room there.
 * @param free what its node may still promise, nothing of this container's counted
 */
export function judgeGrowth(
	has: Resources,
	wanted: Resources,
	node: { online: boolean; moving?: boolean; free: Resources }
): Growth {
	const to = grown(has, wanted);
	const reasons: GrowthRejection[] = node.online ? [] : [{ code: 'offline' }];
	if (node.moving) reasons.push({ code: 'moving' });
	for (const code of RESOURCES) {
		const more = to[code] - has[code];
		const free = Math.max(0, node.free[code]);
		if (more > free) reasons.push({ code, wanted: more, free });
	}
	return {
		fits: reasons.length === 0,
		reasons,
		from: { cpuCores: has.cpuCores, ramMb: has.ramMb, diskGb: has.diskGb },
		to,
		diskStays: wanted.diskGb < has.diskGb,
		yields: null
	};
}
