import type { Tx } from '#lib/core/db.server.ts';
import type { LimitAct } from '#prisma/generated/enums.ts';
import { levelOf, RESOURCE_NAMES, resourceOf, type Level, type ResourceName } from './limits.ts';
import { limitsOf, useOf, type Subject, type WantedTerms } from './use.server.ts';
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

/** What would be used of more than is included. */
export interface TooMuch {
	resource: ResourceName;
	/** Name of the instance; null: of the whole customer. */
	slug: string | null;
	/** Both in the unit of measurement. */
	used: number;
	limit: number;
	act: LimitAct;
}

/**
 * What would be over its limit if a subscription had other terms, so that it is said before. What is not known says
 * nothing. Works in a customer's scope.
 */
export async function tooMuchFor(
	tx: Tx,
	customerId: string,
	wanted: WantedTerms
): Promise<TooMuch[]> {
	const tenants = await tx.tenant.findMany({
		where: {
			customerId,
			subscriptionId: wanted.id,
			status: { notIn: ['deleted', 'refunded', 'deleting'] }
		},
		orderBy: { id: 'asc' },
		select: { id: true, slug: true }
	});
	const found: TooMuch[] = [];
	const look = async (subject: Subject, resource: ResourceName, slug: string | null) => {
		const limit = (await limitsOf(tx, subject, wanted)).get(resource);
		if (!limit) return;
		const { used } = await useOf(tx, subject, resource);
		const most = limit.amount * resourceOf(resource).perUnit;
		if (used !== null && used > most)
			found.push({ resource, slug, used, limit: most, act: limit.act });
	};
	for (const resource of RESOURCE_NAMES) {
		if (resourceOf(resource).scope === 'customer') await look({ customerId }, resource, null);
		else
			for (const { id, slug } of tenants) await look({ customerId, tenantId: id }, resource, slug);
	}
	return found;
}
