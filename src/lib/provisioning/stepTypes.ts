import { z } from 'zod';
import type { StepContext } from '#lib/core/saga.server.ts';

/** What the set-up of a tenant remembers between its steps and over a crash. */
export const createTenantState = z.object({
	/** The signup that paid; null when staff asked for it. */
	signupId: z.uuid().nullable(),
	/** Milliseconds since the epoch when the container was first asked for. */
	containerAskedAt: z.number().optional(),
	/** The name was free in the container, and this run meant to make the database. */
	databaseIntended: z.boolean().optional(),
	/** Version of the tunnel's ingress that holds the tenant's rule. */
	ingressVersion: z.number().int().optional(),
	/** Milliseconds since the epoch when the tenant's rule was asked for. */
	ingressAskedAt: z.number().optional(),
	/** Likewise when the first look from outside was taken. */
	firstLookAt: z.number().optional(),
	/** Staff and customer were told that there is no room. */
	toldNoRoom: z.boolean().optional()
});
export type CreateTenantState = z.infer<typeof createTenantState>;
export type CreateTenantContext = StepContext<CreateTenantState>;
