import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { oneContainer } from '#lib/infrastructure/containers/containerView.server.ts';
import { liveSnapshots } from '#lib/infrastructure/containers/liveContainer.server.ts';

export const GET = endpoint(
	{
		summary:
			'Snapshots of a container, the latest first, asked of its node now; 503 when it does not answer',
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid() }),
		response: z.array(
			z.object({
				...{ name: z.string(), description: z.string(), created_at: z.date().nullable() },
				/** On ZFS the latest alone: what is newer would be lost. */
				can_roll_back: z.boolean()
			})
		)
	},
	async ({ params }) => {
		await oneContainer(db, params.id);
		const snapshots = await liveSnapshots(params.id);
		if (!snapshots) throw new AppError('VENDOR_UNAVAILABLE', { params: { vendor: 'Proxmox' } });
		return snapshots.map(({ name, description, at, reachable }) => ({
			...{ name, description, created_at: at, can_roll_back: reachable }
		}));
	}
);
