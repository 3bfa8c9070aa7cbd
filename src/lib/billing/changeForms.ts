import { z } from 'zod';
import '#lib/core/validation.ts';

/** What somebody wants of a subscription. */
export const wantedForm = z.object({
	plan: z.string().trim().min(1).max(60),
	interval: z.enum(['month', 'year']),
	quantity: z.coerce.number().int().min(1).max(10_000)
});

export const changeForm = z.object({ change_id: z.uuid() });

export const cancelForm = z.object({
	subscription_id: z.uuid(),
	when: z.enum(['period_end', 'now']),
	reason: z.string().trim().max(500).default(''),
	confirm: z.string().trim().max(200).default('')
});

export const subscriptionForm = z.object({ subscription_id: z.uuid() });

export const couponForm = z.object({
	subscription_id: z.uuid(),
	code: z.string().trim().min(1).max(60)
});

export const freeTimeForm = z.object({
	subscription_id: z.uuid(),
	until: z.iso.date(),
	reason: z.string().trim().min(3).max(500)
});
