import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { customerView, findCustomer, oneCustomer } from '#lib/customers/customerView.server.ts';
import { deleteCustomer } from '#lib/customers/deletion.server.ts';
import { edit } from '#lib/customers/edit.server.ts';
import { customerSchema, patchCustomerSchema } from '#lib/customers/schema.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{ summary: 'One customer', permission: 'customers:read', params, response: customerSchema },
	({ params }) => oneCustomer(db, params.id)
);

export const PATCH = endpoint(
	{
		summary:
			'Change a customer; version is the one that was read, and 409 says who changed what since',
		permission: 'customers:write',
		params,
		body: patchCustomerSchema,
		response: customerSchema
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		const { version, ...changes } = body;
		return customerView(await transaction((tx) => edit(tx, params.id, { version, changes, by })));
	}
);

export const DELETE = endpoint(
	{
		summary:
			'Delete a customer of whom nothing lives; otherwise 409 says what: instances, subscriptions, open invoices, refunds',
		permission: 'customers:delete',
		params,
		response: customerSchema,
		stepUp: true
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction(async (tx) => {
			const { id } = await findCustomer(tx, params.id);
			await deleteCustomer(tx, id, by);
		});
		return oneCustomer(db, params.id);
	}
);
