import { z } from 'zod';
import '#lib/core/validation.ts';

/** The side one logs in to. */
export const loginRole = z.enum(['admin', 'tenant']);

/** A person as the API shows it. */
export const person = z.object({
	id: z.uuid(),
	email: z.string(),
	full_name: z.string(),
	locale: z.string()
});

/** Any text in the right shape: the answer to a wrong address is that of a wrong password. */
const email = z.string().trim().min(1).max(254);
const password = z.string().min(1).max(1_000);
const code = z.string().trim().min(6).max(20);

export const loginForm = z.object({ email, password });
export const codeForm = z.object({ code });
export const resetForm = z.object({ email: z.email().max(254) });
export const newPasswordForm = z.object({ password });
export const changePasswordForm = z.object({ current: password, password });
export const confirmForm = z.object({ proof: password });
export const sessionForm = z.object({ session_id: z.string().min(1).max(60) });
export const customerForm = z.object({ to: z.uuid() });
