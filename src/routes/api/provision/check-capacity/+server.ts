import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { resourcesView } from '#lib/infrastructure/nodes/nodeView.server.ts';
import { explainCapacity, placementRules } from '#lib/infrastructure/placement/placement.server.ts';
import { planOnSale } from '#lib/plans/plans.server.ts';

const resources = z.object({ cpu_cores: z.number(), ram_mb: z.number(), disk_gb: z.number() });

export const GET = endpoint(
	{
		summary: 'Whether a plan would find room now, and of every node why or why not; takes nothing',
		permission: 'provisioning:read',
		query: z.object({ plan: z.string().max(60).default('pro') }),
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
			)
		})
	},
	async ({ query }) => {
		const plan = await planOnSale(db, query.plan);
		const found = await explainCapacity(db, plan, await placementRules());
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
			}))
		};
	}
);
