import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { resourcesView } from '#lib/infrastructure/nodes/nodeView.server.ts';
import { explainCapacity, placementRules } from '#lib/infrastructure/placement/placement.server.ts';
import { simulateSale, waysOut } from '#lib/infrastructure/placement/sale.server.ts';
import { readWorld } from '#lib/infrastructure/placement/world.server.ts';
import { waysOutSchema, waysOutView } from '#lib/infrastructure/placement/waysOutView.ts';
import { planOnSale } from '#lib/plans/plans.server.ts';
import { movableContainers } from '#lib/provisioning/moves/containers/movable.server.ts';
import { saleQuestion } from '#lib/provisioning/schema.ts';
import { countWaiting, waitHistories } from '#lib/provisioning/waiting.server.ts';

const resources = z.object({ cpu_cores: z.number(), ram_mb: z.number(), disk_gb: z.number() });

export const GET = endpoint(
	{
		summary:
			'Whether a plan would find room now, how often, and of every node why or why not; takes nothing',
		permission: 'provisioning:read',
		query: saleQuestion.extend({
			plan: saleQuestion.shape.plan.default('pro'),
			/** How many more are asked for; `sale` answers it. */
			count: saleQuestion.shape.count.default(1)
		}),
		response: z.object({
			plan: z.string(),
			isolation: z.string(),
			wanted: resources,
			fits: z.boolean(),
			/** Containers made ahead that one of these would take at once. */
			warm: z.array(z.object({ container_id: z.uuid(), node: z.string() })),
			/** No node has room until these go, which were made ahead for others. */
			yields: z.object({ node: z.string(), container_ids: z.array(z.uuid()) }).nullable(),
			shared: z.array(
				z.object({ container_id: z.uuid(), fits: z.boolean(), reasons: z.array(z.string()) })
			),
			nodes: z.array(
				z.object({
					id: z.uuid(),
					name: z.string(),
					fits: z.boolean(),
					reasons: z.array(z.string()),
					takes_over: z
						.object({ id: z.uuid(), name: z.string() })
						.nullable()
						.describe('The node that would take over; of plans with high availability')
				})
			),
			ways_out: waysOutSchema
				.nullable()
				.describe('What would make room for one more; null while there is room'),
			/**
			 * Who waits for room of the plan's isolation, which has turns of its own, and how long those waited who found it
			 * within 90 days; null: nobody did.
			 */
			queue: z.object({
				waiting: z.number().int(),
				waited: z
					.object({
						count: z.number().int(),
						median_seconds: z.number(),
						p90_seconds: z.number()
					})
					.nullable()
			}),
			sale: z.object({
				count: z.number().int(),
				fits: z.number().int(),
				/** Of those: only once what was made ahead for others is gone. */
				yielded: z.number().int(),
				places: z.array(
					z.object({
						id: z.uuid(),
						name: z.string(),
						tenants: z.number().int(),
						new_containers: z.number().int()
					})
				)
			})
		})
	},
	async ({ query }) => {
		const plan = await planOnSale(db, query.plan);
		const rules = await placementRules();
		const world = await readWorld(db);
		const found = await explainCapacity(db, plan, rules, world);
		const sale = await simulateSale(db, plan, query.count, rules, world);
		const out = found.fits
			? null
			: waysOut(world, plan, rules, await movableContainers(db, world.nodes));
		const waits = (await waitHistories(db))[plan.isolation];
		return {
			plan: plan.key,
			isolation: found.isolation,
			wanted: resourcesView(found.wanted),
			fits: found.fits,
			warm: found.warm.map(({ containerId, node }) => ({ container_id: containerId, node })),
			yields: found.yields && {
				node: found.yields.node.name,
				container_ids: found.yields.containers.map(({ containerId }) => containerId)
			},
			shared: found.shared.map(({ candidate, fits, reasons }) => ({
				container_id: candidate.containerId,
				fits,
				reasons: reasons.map(({ code }) => code)
			})),
			nodes: found.nodes.map(({ candidate, fits, reasons, partner }) => ({
				id: candidate.nodeId,
				name: candidate.name,
				fits,
				reasons: reasons.map(({ code }) => code),
				takes_over: partner ? { id: partner.candidate.nodeId, name: partner.candidate.name } : null
			})),
			ways_out: out && waysOutView(out),
			queue: {
				waiting: (await countWaiting(db))[plan.isolation] ?? 0,
				waited: waits
					? {
							...{ count: waits.count, median_seconds: waits.medianSeconds },
							p90_seconds: waits.p90Seconds
						}
					: null
			},
			sale: {
				count: sale.count,
				fits: sale.fits,
				yielded: sale.yielded,
				places: sale.places.map(({ nodeId, name, tenants, newContainers }) => ({
					...{ id: nodeId, name, tenants },
					new_containers: newContainers
				}))
			}
		};
	}
);
