import { z } from 'zod';
import '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';

/** What the forms of a team send, in the portal and on the staff's page. */
export const inviteForm = z.object({
	email: z
		.string()
		.trim()
		.toLowerCase()
		.pipe(z.email({ error: () => m.signup_email_bad() }).max(254)),
	role: z.string().min(1).max(60)
});
export const memberForm = z.object({ membership_id: z.uuid() });
export const roleForm = memberForm.extend({ role: z.string().min(1).max(60) });
export const transferForm = memberForm.extend({ confirm: z.string().trim().max(200) });
/** Staff say besides who asked for it. */
export const staffTransferForm = transferForm.extend({
	reason: z
		.string()
		.trim()
		.min(3, { error: () => m.invoice_reason_missing() })
		.max(500)
});
export const invitationForm = z.object({ invitation_id: z.string().min(1).max(60) });

export const joinNewForm = z.object({
	full_name: z
		.string()
		.trim()
		.min(1, { error: () => m.signup_name_missing() })
		.max(120),
	password: z.string().min(1).max(1_000)
});
export const joinKnownForm = z.object({
	password: z.string().min(1).max(1_000),
	code: z.string().trim().max(20).optional()
});
