import type { Tx } from '#lib/core/db.server.ts';
import type { LimitAct } from '#prisma/generated/enums.ts';
import { levelOf, RESOURCE_NAMES, resourceOf, type Level, type ResourceName } from './limits.ts';
import { limitsOf, useOf, type Subject } from './use.server.ts';
import { limitStates } from './limitStates.server.ts';

/** How much of one thing an instance, or its whole customer, uses of what is included. */
export interface ResourceUse {
	resource: ResourceName;
	/** In the unit of measurement; null: not known. */
	used: number | null;
	/** In the same unit; null: not limited. */
	limit: number | null;
	level: Level;
	/** When `used` was true. */
	at: Date | null;
	act: LimitAct;
	/** When the act comes, or came. */
	actsAt: Date | null;
	actedAt: Date | null;
}

/**
 * What is limited of an instance and of its customer, and what was measured of it without a limit, in the order in which
 * it is read. Works in a customer's scope.
 */
export async function usesOf(tx: Tx, subject: Required<Subject>): Promise<ResourceUse[]> {
	const states = await limitStates(tx, subject);
	const limits = await limitsOf(tx, subject);
	const uses: ResourceUse[] = [];
	for (const resource of RESOURCE_NAMES) {
		const limit = limits.get(resource) ?? null;
		const { perUnit, source } = resourceOf(resource);
		if (!limit && source === 'counted') continue;
		const { used, at } = await useOf(tx, subject, resource);
		if (!limit && at === null) continue;
		const most = limit && limit.amount * perUnit;
		const state = states.find((one) => one.resource === resource);
		uses.push({
			...{ resource, used, at, limit: most, level: levelOf(used, most) },
			...{ act: limit?.act ?? 'tell', actsAt: state?.actsAt ?? null },
			actedAt: state?.actedAt ?? null
		});
	}
	return uses;
}
