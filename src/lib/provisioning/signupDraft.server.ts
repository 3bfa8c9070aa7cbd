import type { Tx } from '#lib/core/db.server.ts';
import type { SignupInput } from './schema.ts';

/** What a visitor who comes back typed before; empty without an open signup. */
export async function signupDraft(tx: Tx, signupId: string | null): Promise<Partial<SignupInput>> {
	if (!signupId) return {};
	const signup = await tx.signup.findFirst({
		where: { id: signupId, status: { in: ['open', 'expired'] }, tenantId: null },
		include: { plan: { select: { key: true } } }
	});
	if (!signup) return {};
	return {
		plan: signup.plan.key,
		company_name: signup.companyName,
		full_name: signup.fullName,
		email: signup.email,
		subdomain: signup.slug,
		country: signup.country ?? ''
	};
}
