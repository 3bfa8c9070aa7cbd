import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';

const NOTE_LENGTH = 500;

/** What staff send to take an alert on. */
export const acknowledgeForm = z.object({
	alert: z.uuid(),
	note: z
		.string()
		.trim()
		.max(NOTE_LENGTH, { error: () => m.signup_too_long({ max: NOTE_LENGTH }) })
		// PostgreSQL keeps no text with it.
		.transform((text) => text.replaceAll('\u0000', '') || null)
});
