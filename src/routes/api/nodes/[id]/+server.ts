import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { editNode } from '#lib/infrastructure/nodes/editNode.server.ts';
import { nodeDetail, nodeDetailSchema } from '#lib/infrastructure/nodes/nodeDetail.server.ts';
import { nodePatch } from '#lib/infrastructure/nodes/nodeForms.ts';
import { removeNode } from '#lib/infrastructure/nodes/removeNode.server.ts';
import { m } from '#i18n/paraglide/messages.js';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'One node, with its health part by part and its storages',
		permission: 'infrastructure:read',
		params,
		response: nodeDetailSchema
	},
	({ params }) => nodeDetail(db, params.id)
);

export const PATCH = endpoint(
	{
		summary:
			'Change how a node is reached and how much of it may be promised; at another address 400 says which fingerprints to compare and send',
		permission: 'infrastructure:write',
		params,
		body: nodePatch,
		response: nodeDetailSchema,
		stepUp: true
	},
	async ({ params, body, event }) => {
		const edited = await editNode(params.id, body, actorOf(event.locals.auth!), {
			// Whoever sends fingerprints means them to be pinned.
			rereads: body.api_fingerprint !== undefined || body.ssh_host_key !== undefined
		});
		if (!edited.saved) {
			const { api, ssh } = edited.shown;
			throw new AppError('BAD_INPUT', {
				fields: {
					api_fingerprint: m.node_edit_differs({ shown: api.fingerprint }),
					ssh_host_key: m.node_edit_differs({ shown: ssh.fingerprint })
				}
			});
		}
		return nodeDetail(db, params.id);
	}
);

export const DELETE = endpoint(
	{
		summary:
			'Remove a node on which nothing lives; otherwise 409 says what does. Nothing changes in Proxmox',
		permission: 'infrastructure:write',
		params,
		response: z.null(),
		stepUp: true
	},
	async ({ params, event }) => {
		await transaction((tx) => removeNode(tx, params.id, actorOf(event.locals.auth!)));
		return null;
	}
);
