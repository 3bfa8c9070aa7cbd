import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { knownSnapshotForm } from '#lib/infrastructure/containers/actForms.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { actSchema, actView } from '#lib/infrastructure/containers/containerView.server.ts';

export const DELETE = endpoint(
	{
		summary: 'Delete a snapshot; the container stays as it is',
		permission: 'infrastructure:write',
		params: z.object({ id: z.uuid(), ...knownSnapshotForm.shape }),
		response: actSchema,
		status: 202
	},
	async ({ params: { id, name }, event }) => {
		const by = actorOf(event.locals.auth!);
		const wish = { act: 'delete_snapshot' as const, name };
		return actView(await transaction((tx) => askForAct(tx, id, wish, by)));
	}
);
