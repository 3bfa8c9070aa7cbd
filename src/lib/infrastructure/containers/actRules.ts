import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';
import type { ActName } from './actForms.ts';

/**
 * Why something cannot be asked of a container now: `template`, `being_made`, `retiring` (it is being taken down), `adopted` (it is
 * not ours to change that far), `warm` (it was made ahead for whoever comes next, and is to stay as it was made), `moving` (it is on its way to another node), `held` (a run of one of its instances works on it), `backup` (one is being made), `needed`
 * (a run or a backup works with the databases that others have on it), `busy` (something was asked before and is not done).
 */
export type ActRefusal =
	| 'template'
	| 'being_made'
	| 'retiring'
	| 'adopted'
	| 'warm'
	| 'moving'
	| 'held'
	| 'backup'
	| 'needed'
	| 'busy';

export interface ActSubject {
	purpose: ContainerPurpose;
	status: ContainerStatus;
	retiring: boolean;
	adopted: boolean;
	/** The plan that it was made ahead for. */
	warmPlanId: string | null;
	/** The other node of its move. */
	moveToNodeId: string | null;
}

/** Acts that cannot be taken back, or that change what somebody else made. */
const NOT_ON_ADOPTED: ActName[] = ['resize', 'rollback'];
/** Acts after which it would not be what somebody who gets it expects. */
const NOT_ON_WARM: ActName[] = ['resize', 'snapshot', 'rollback', 'delete_snapshot'];
/** Acts that would break what reads the container meanwhile. */
const BREAKS_BACKUPS: ActName[] = ['stop', 'restart', 'rollback', 'delete_snapshot'];

/** What the container itself says against it; null: nothing. */
export function refusalOf(act: ActName, container: ActSubject): ActRefusal | null {
	if (container.purpose === 'template') return 'template';
	if (container.status === 'provisioning') return 'being_made';
	if (container.retiring || container.status === 'deleted') return 'retiring';
	if (container.moveToNodeId) return 'moving';
	if (container.warmPlanId && NOT_ON_WARM.includes(act)) return 'warm';
	return container.adopted && NOT_ON_ADOPTED.includes(act) ? 'adopted' : null;
}

export function breaksBackups(act: ActName): boolean {
	return BREAKS_BACKUPS.includes(act);
}

/** Whether the instances in it are off the air for a while, or for good. */
export function takesOffTheAir(act: ActName): boolean {
	return act === 'stop' || act === 'restart' || act === 'rollback';
}
