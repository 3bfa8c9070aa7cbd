import { z } from 'zod';
import { cached } from '#lib/core/cache.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import type { Plan } from '#prisma/generated/client.ts';
import { lacksHa } from '../infrastructure/placement/haLack.ts';
import { explainCapacity, placementRules } from '../infrastructure/placement/placement.server.ts';
import { planCards, type PlanCard } from '../plans/planCards.server.ts';

/** Visitors ask often, and clusters change seldom. */
const KEPT_SECONDS = 30;

type Hosted = Pick<Plan, 'isolation' | 'cpuCores' | 'ramMb' | 'diskGb'>;

/**
 * Whether some cluster could run a plan, full or not: who pays may have to wait for room, but not for a cluster that nobody
 * has. Only high availability asks for more than a node.
 */
export async function canHost(tx: Tx, plan: Hosted): Promise<boolean> {
	if (plan.isolation !== 'dedicated_ha') return true;
	const { isolation, cpuCores, ramMb, diskGb } = plan;
	const wanted = { isolation, cpuCores, ramMb, diskGb };
	return !lacksHa(await explainCapacity(tx, wanted, await placementRules()));
}

/** What visitors see of the plans: one that no cluster can run is talked over, as one that is not sold. */
export async function cardsOnOffer(): Promise<PlanCard[]> {
	const cards = await planCards(db);
	return Promise.all(
		cards.map(async (card) => {
			if (!card.purchasable || card.isolation !== 'dedicated_ha') return card;
			const purchasable = await cached(
				`provisioning.can-host:${card.key}`,
				KEPT_SECONDS,
				z.boolean(),
				() => canHost(db, card)
			);
			return { ...card, purchasable };
		})
	);
}
