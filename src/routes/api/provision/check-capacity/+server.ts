import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { resourcesView } from '#lib/infrastructure/nodes/nodeView.server.ts';
import { explainCapacity, placementRules } from '#lib/infrastructure/placement/placement.server.ts';
import { simulateSale } from '#lib/infrastructure/placement/sale.server.ts';
import { planOnSale } from '#lib/plans/plans.server.ts';
import { saleQuestion } from '#lib/provisioning/schema.ts';

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
			shared: z.array(
				z.object({ container_id: z.uuid(), fits: z.boolean(), reasons: z.array(z.string()) })
			),
			nodes: z.array(
				z.object({
					id: z.uuid(),
					name: z.string(),
					fits: z.boolean(),
					reasons: z.array(z.string())
				})
			),
			sale: z.object({
				count: z.number().int(),
				fits: z.number().int(),
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
		const found = await explainCapacity(db, plan, rules);
		const sale = await simulateSale(db, plan, query.count, rules);
		return {
			plan: plan.key,
			isolation: found.isolation,
			wanted: resourcesView(found.wanted),
			fits: found.fits,
			shared: found.shared.map(({ candidate, fits, reasons }) => ({
				container_id: candidate.containerId,
				fits,
				reasons: reasons.map(({ code }) => code)
			})),
			nodes: found.nodes.map(({ candidate, fits, reasons }) => ({
				id: candidate.nodeId,
				name: candidate.name,
				fits,
				reasons: reasons.map(({ code }) => code)
			})),
			sale: {
				count: sale.count,
				fits: sale.fits,
				places: sale.places.map(({ nodeId, name, tenants, newContainers }) => ({
					...{ id: nodeId, name, tenants },
					new_containers: newContainers
				}))
			}
		};
	}
);
