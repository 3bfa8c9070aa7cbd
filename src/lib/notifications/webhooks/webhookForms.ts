import { z } from 'zod';
import '#lib/core/validation.ts';
import { tickbox } from '#lib/core/tickbox.ts';
import { m } from '#i18n/paraglide/messages.js';
import { WEBHOOK_EVENTS } from './webhookEvents.ts';

const what = {
	name: z.string().trim().min(1).max(80),
	url: z
		.url({ protocol: /^https?$/, error: () => m.webhook_url_bad() })
		.max(2_000)
		// As it will be asked: an address that is written as one number is seen for what it is.
		.transform((text) => new URL(text).href)
};
const atLeastOne = { error: () => m.webhook_events_missing(), path: ['events'] };

/** An endpoint as it is typed. */
export const webhookForm = z
	.object({
		...what,
		enabled: tickbox,
		event_opened: tickbox,
		event_escalated: tickbox,
		event_acknowledged: tickbox,
		event_closed: tickbox
	})
	.transform(({ name, url, enabled, ...ticked }) => ({
		...{ name, url, enabled },
		events: WEBHOOK_EVENTS.filter((event) => Reflect.get(ticked, event.replace('alert.', 'event_')))
	}))
	.refine(({ events }) => events.length > 0, atLeastOne);

/** An endpoint as the API takes it. */
export const webhookBody = z
	.object({
		...what,
		enabled: z.boolean().default(true),
		events: z.array(z.enum(WEBHOOK_EVENTS))
	})
	.transform(({ events, ...rest }) => ({
		...rest,
		events: WEBHOOK_EVENTS.filter((event) => events.includes(event))
	}))
	.refine(({ events }) => events.length > 0, atLeastOne);

export type WebhookInput = z.output<typeof webhookForm>;
