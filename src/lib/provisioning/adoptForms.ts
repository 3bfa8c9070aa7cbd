import { z } from 'zod';
import '#lib/core/validation.ts';
import { slugField } from './schema.ts';

/** A database of an adopted container that is to become a customer's instance. */
export const adoptForm = z.object({
	database: z.string().min(1).max(63),
	/** Address of the customer, as it stands in its record. */
	email: z.string().trim().toLowerCase().pipe(z.email()),
	plan: z.string().min(1),
	subdomain: slugField,
	/** `existing`: its living subscription to this plan that has no instance yet. */
	subscription: z.enum(['none', 'existing']).default('none')
});
export type AdoptInput = z.output<typeof adoptForm>;
