import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { migrationsOf } from '#lib/provisioning/moves/migrations.server.ts';
import { migrationSchema, migrationView } from '#lib/provisioning/moves/migrationView.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';

export const GET = endpoint(
	{
		summary:
			'Where a tenant was moved to, with its container or by its database, and how long it was off the air; the latest 20',
		permission: 'tenants:read',
		params: z.object({ id: z.uuid() }),
		response: z.array(migrationSchema)
	},
	async ({ params }) => {
		const { id } = await findTenant(db, params.id);
		return (await migrationsOf(db, id)).map(migrationView);
	}
);
