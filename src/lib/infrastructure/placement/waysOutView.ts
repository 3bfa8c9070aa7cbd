import { z } from 'zod';
import type { WaysOut } from './sale.server.ts';

const node = z.object({ id: z.uuid(), name: z.string() });

/** The ways out of a full cluster, in the API. */
export const waysOutSchema = z.object({
	moves: z
		.object({
			node,
			moves: z.array(
				z.object({
					container: z.object({ id: z.uuid(), vmid: z.number().int(), hostname: z.string() }),
					from: node,
					to: node
				})
			)
		})
		.nullable()
		.describe('The fewest moves after which this node has room, in their order; null: none help'),
	expansions: z
		.array(
			z.object({
				node,
				lacks: z.array(
					z.object({
						/** cpu_cores, ram_mb, disk_gb */
						resource: z.string(),
						missing: z.number(),
						/** The overcommit at which it would be enough. */
						overcommit: z.number()
					})
				),
				/** How many containers it would have to be allowed; null: that is no obstacle. */
				max_containers: z.number().int().nullable()
			})
		)
		.describe('Nodes that lack nothing but capacity, those that lack least first')
});

const NAMES = { cpuCores: 'cpu_cores', ramMb: 'ram_mb', diskGb: 'disk_gb' };

export function waysOutView({ moves, expansions }: WaysOut): z.input<typeof waysOutSchema> {
	const named = (one: { nodeId: string; name: string }) => ({ id: one.nodeId, name: one.name });
	return {
		moves: moves && {
			node: named(moves.node),
			moves: moves.moves.map(({ container: { containerId, vmid, hostname }, from, to }) => ({
				container: { id: containerId, vmid, hostname },
				...{ from: named(from), to: named(to) }
			}))
		},
		expansions: expansions.map(({ lacks, maxContainers, ...one }) => ({
			node: named(one),
			lacks: lacks.map(({ code, ...lack }) => ({ resource: NAMES[code], ...lack })),
			max_containers: maxContainers
		}))
	};
}
