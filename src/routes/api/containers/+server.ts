import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import {
	CONTAINER_LIST,
	listContainers
} from '#lib/infrastructure/containers/containerList.server.ts';
import {
	containerSchema,
	containerViews
} from '#lib/infrastructure/containers/containerView.server.ts';
import { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';

export const GET = endpoint(
	{
		summary:
			'List containers with their limits and use; deleted ones only when status asks for them',
		permission: 'infrastructure:read',
		query: pageQuery.extend({
			/** In host name, address and VMID. */
			search: z.string().max(200).default(''),
			/** Name of a node, or `cluster/node`. */
			node: z.string().max(200).optional(),
			status: z.enum(ContainerStatus).optional(),
			purpose: z.enum(ContainerPurpose).optional(),
			sort: z.enum(CONTAINER_LIST.sort).default('vmid'),
			order: z.enum(['asc', 'desc']).default('asc')
		}),
		response: z.array(containerSchema)
	},
	async ({ query }) => {
		const { node, status, purpose } = query;
		const { rows, meta } = await listContainers(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: {
				...(node ? { node } : {}),
				...(status ? { status } : {}),
				...(purpose ? { purpose } : {})
			},
			...{ page: query.page, pageSize: query.page_size, cursor: query.cursor ?? null }
		});
		return paged(await containerViews(db, rows), meta);
	}
);
