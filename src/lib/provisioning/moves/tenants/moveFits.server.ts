import type { Tx } from '#lib/core/db.server.ts';
import type { Container, Isolation, Plan } from '#prisma/generated/client.ts';
import { growthOf } from '#lib/infrastructure/containers/growth.server.ts';
import type { Growth } from '#lib/infrastructure/containers/growth.ts';
import { findPartner } from '#lib/infrastructure/ha/partner.server.ts';
import {
	explainCapacity,
	placementRules,
	type Explanation
} from '#lib/infrastructure/placement/placement.server.ts';
import type { Wanted } from '#lib/infrastructure/placement/placement.ts';
import { useOf } from '#lib/plans/use.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { expectedDowntime } from './tenantMoveDowntime.server.ts';
import {
	isInPlace,
	refusalsNow,
	type Destination,
	type MovingTenant
} from './tenantMoveRules.server.ts';
import type { TenantMoveRefusal } from './tenantMoveWords.ts';

export type { MovingTenant } from './tenantMoveRules.server.ts';

/** What moving an instance would mean; nothing is taken. */
export interface MoveFit {
	/** Nothing speaks against it. */
	fits: boolean;
	/** Everything that speaks against it; `againstMove` has the sentences. */
	reasons: TenantMoveRefusal[];
	/** Between dedicated and dedicated_ha: the container stays where it is, and nothing is copied. */
	inPlace: boolean;
	/** Why there is room, or why not; null in place. */
	room: Explanation | null;
	/** In place: what its container has and would have; null otherwise. */
	growth: Growth | null;
	/** Of the database with its files, as last measured; null: not measured in the last day. */
	sizeMb: number | null;
	/** Of the plan's own disk; null where it shares a container. */
	targetDiskGb: number | null;
	/** Expected time off the air, in milliseconds: from its size and past moves. 0 in place. */
	expectedMs: number;
	/** Whether `expectedMs` is a guess because nothing like it was ever moved, or its size is not known. */
	guessed: boolean;
	/** Hours that the old one is kept after the switch; 0 in place. */
	keepHours: number;
	/** It stays suspended, or read-only, as it is. */
	stays: { suspended: boolean; readOnly: boolean };
}

/** What it must know of the plan that it is to have. */
export type TargetPlan = Pick<Plan, 'cpuCores' | 'ramMb' | 'diskGb'> & { isolation: Isolation };

/** Megabytes that the system and Odoo itself take of a container's disk. */
const SYSTEM_MB = 4096;
/** Of a database with its files: they lie there packed and unpacked for a while. */
const ROOM_FACTOR = 1.6;

/**
 * Whether an instance can go to the kind of place that a plan wants, explained, before anything is charged or asked for.
 * @param where a cluster or node instead of wherever there is room
 */
export async function moveFits(
	tx: Tx,
	tenant: MovingTenant,
	plan: TargetPlan,
	where: { clusterId?: string | null; nodeId?: string | null } = {}
): Promise<MoveFit> {
	const to: Destination = { toIsolation: plan.isolation, ...where };
	const inPlace = isInPlace(tenant, to);
	const reasons = await refusalsNow(tx, tenant, to);
	const { used: sizeMb } = await useOf(
		tx,
		{ customerId: tenant.customerId, tenantId: tenant.id },
		'disk_gb'
	);
	const targetDiskGb = plan.isolation === 'shared' ? null : plan.diskGb;
	if (!inPlace && targetDiskGb !== null && sizeMb !== null) {
		const own = tenant.isolation === 'shared' ? sizeMb : Math.max(0, sizeMb - SYSTEM_MB);
		if (own * ROOM_FACTOR + SYSTEM_MB > targetDiskGb * 1024) reasons.push('too_big');
	}
	const container = tenant.containerId
		? await tx.container.findUnique({ where: { id: tenant.containerId } })
		: null;
	const room = inPlace || !container ? null : await roomFor(tx, wantedOf(container, plan, to));
	if (room && !room.fits) reasons.push(isOtherVersion(room) ? 'version' : 'no_room');
	const growth = inPlace && container ? await growthOf(tx, container.id, sizeOf(plan)) : null;
	if (growth && container && !(await hasRoomInPlace(tx, container, plan, growth)))
		reasons.push('no_room');
	const downtime = inPlace ? { ms: 0, guessed: false } : await expectedDowntime(tx, sizeMb);
	return {
		fits: reasons.length === 0,
		...{ reasons, inPlace, room, growth, sizeMb, targetDiskGb },
		...{ expectedMs: downtime.ms, guessed: downtime.guessed },
		keepHours: inPlace ? 0 : await setting('provisioning.move_confirm_hours'),
		stays: { suspended: tenant.status === 'suspended', readOnly: tenant.readOnlyAt !== null }
	};
}

/** What placement is asked for when an instance leaves this container. */
export function wantedOf(
	from: Pick<Container, 'id' | 'odooVersion'>,
	plan: TargetPlan,
	{ clusterId, nodeId }: Destination
): Wanted {
	return {
		...{ isolation: plan.isolation, ...sizeOf(plan), besides: from.id },
		...(clusterId && { clusterId }),
		...(nodeId && { nodeId }),
		...(from.odooVersion && { odooVersion: from.odooVersion })
	};
}

export function sizeOf({ cpuCores, ramMb, diskGb }: TargetPlan) {
	return { cpuCores, ramMb, diskGb };
}

async function roomFor(tx: Tx, wanted: Wanted): Promise<Explanation> {
	return explainCapacity(tx, wanted, await placementRules());
}

/** No node was even looked at: none has the Odoo that it needs, where it is wanted. */
function isOtherVersion({ nodes, shared }: Explanation): boolean {
	return nodes.length === 0 && shared.length === 0;
}

async function hasRoomInPlace(
	tx: Tx,
	container: Pick<Container, 'id' | 'haNodeId'>,
	plan: TargetPlan,
	growth: Growth
): Promise<boolean> {
	// That it is being moved is said by itself, and what was made ahead for others makes room.
	const passes = ['moving', 'coming'];
	if (growth.reasons.some(({ code }) => !passes.includes(code))) return false;
	if (plan.isolation !== 'dedicated_ha' || container.haNodeId) return true;
	const partner = await findPartner(tx, container.id);
	return 'nodeId' in partner || partner.yields !== null;
}
