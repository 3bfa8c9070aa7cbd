import type { LimitAct } from '#prisma/generated/enums.ts';

/** Where the use of a resource is known from. */
export type Source =
	/** Counted from our own tables, whenever it is asked. */
	| 'counted'
	/** Read from the instance itself once an hour (`provisioning.measure-usage`). */
	| 'measured';

export interface Resource {
	/** Of one instance, or of everything that the customer has. */
	scope: 'tenant' | 'customer';
	source: Source;
	/** How many units of measurement one unit of a plan's limit is: readings of a disk are megabytes, its limit gigabytes. */
	perUnit: number;
	/** Each of a subscription's quantity includes as much again. */
	timesQuantity: boolean;
	/** What may be done about too much of it. What is outside of our reach cannot be refused. */
	acts: readonly LimitAct[];
}

/** Everything that a plan may limit. A resource without a row in a plan is not limited by it. */
export const RESOURCES = {
	/** Active internal users of the ERP. */
	users: {
		scope: 'tenant',
		source: 'measured',
		perUnit: 1,
		timesQuantity: true,
		acts: ['tell', 'read_only', 'suspend']
	},
	/** Database and files of an instance; a container of its own: all of its disk. */
	disk_gb: {
		scope: 'tenant',
		source: 'measured',
		perUnit: 1024,
		timesQuantity: false,
		acts: ['tell', 'read_only', 'suspend']
	},
	/** Backups of an instance that are kept. */
	backups: {
		scope: 'tenant',
		source: 'counted',
		perUnit: 1,
		timesQuantity: false,
		acts: ['tell', 'refuse']
	},
	/** Domains of its own that an instance has; the `www` that only sends on is not counted. */
	domains: {
		scope: 'tenant',
		source: 'counted',
		perUnit: 1,
		timesQuantity: false,
		acts: ['tell', 'refuse']
	},
	/** People who may log in to the portal, invitations included. */
	members: {
		scope: 'customer',
		source: 'counted',
		perUnit: 1,
		timesQuantity: false,
		acts: ['tell', 'refuse']
	},
	/** Instances that are not deleted. */
	instances: {
		scope: 'customer',
		source: 'counted',
		perUnit: 1,
		timesQuantity: true,
		acts: ['tell', 'refuse']
	}
} as const satisfies Record<string, Resource>;

export type ResourceName = keyof typeof RESOURCES;
export const RESOURCE_NAMES = Object.keys(RESOURCES).filter(isResource);

export function isResource(name: string): name is ResourceName {
	return Object.hasOwn(RESOURCES, name);
}

/** The same as `RESOURCES[name]`, for who asks about any of them. */
export function resourceOf(name: ResourceName): Resource {
	return RESOURCES[name];
}

/** Percent at which people are told, once each. */
export const STEPS = [80, 90, 100] as const;
export type Step = 0 | (typeof STEPS)[number];

/**
 * The highest step that a use has reached. A limit of nothing is reached by the first of it.
 * @param used and limit in the same unit
 */
export function stepOf(used: number, limit: number): Step {
	if (limit <= 0) return used > 0 ? 100 : 0;
	const percent = (used * 100) / limit;
	return STEPS.findLast((step) => percent >= step) ?? 0;
}

/** How a use stands: `over` is more than the limit, `full` exactly it. */
export type Level = 'unlimited' | 'unknown' | 'ok' | 'near' | 'full' | 'over';

export function levelOf(used: number | null, limit: number | null): Level {
	if (limit === null) return 'unlimited';
	if (used === null) return 'unknown';
	if (used > limit) return 'over';
	if (used === limit && limit > 0) return 'full';
	return stepOf(used, limit) >= 80 ? 'near' : 'ok';
}

/** A reading older than this is not known any more, and nothing is done because of it. */
export const READING_MAX_AGE_MS = 24 * 3_600_000;

/** One limit of a plan. */
export interface Limit {
	resource: ResourceName;
	/** In the plan's unit: gigabytes of a disk. */
	amount: number;
	graceDays: number;
	act: LimitAct;
}

/**
 * One limit over several subscriptions: what they include together, the mildest act, the longest grace. One that does
 * not limit it at all leaves it unlimited.
 * @param limits of each subscription with its quantity; null where its plan has none
 * @returns null: not limited
 */
export function together(
	resource: ResourceName,
	limits: { limit: Limit | null; quantity: number }[]
): Limit | null {
	if (limits.length === 0) return null;
	let sum = 0;
	let [graceDays, act]: [number, LimitAct] = [0, 'suspend'];
	for (const { limit, quantity } of limits) {
		if (!limit) return null;
		sum += limit.amount * (resourceOf(resource).timesQuantity ? quantity : 1);
		graceDays = Math.max(graceDays, limit.graceDays);
		if (SEVERITY.indexOf(limit.act) < SEVERITY.indexOf(act)) act = limit.act;
	}
	return { resource, amount: sum, graceDays, act };
}

const SEVERITY: readonly LimitAct[] = ['tell', 'refuse', 'read_only', 'suspend'];
