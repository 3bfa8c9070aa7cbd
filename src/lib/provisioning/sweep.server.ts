import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { closeOverdueRequests } from './requests.server.ts';
import { closeOpenSession, expireSignup } from './signups.server.ts';

const BATCH = 100;

/**
 * Lets go of names whose Checkout session has run out, for the case that Stripe's word was lost: each session is ended
 * and read back first, since it may have been paid in its last second. Also removes holds that have run out, and has
 * requests closed that nobody has paid in time.
 */
export async function sweepReservations(): Promise<void> {
	await db.nameReservation.deleteMany({ where: { expiresAt: { lte: now() } } });
	const overdue = await db.checkoutSession.findMany({
		where: { status: 'open', expiresAt: { lt: after(now(), -MINUTE) } },
		take: BATCH,
		select: { signupId: true, stripeSessionId: true }
	});
	for (const { signupId } of overdue) {
		const outcome = await closeOpenSession(signupId);
		await transaction(async (tx) => {
			const signup = await tx.signup.findUniqueOrThrow({ where: { id: signupId } });
			if (outcome !== 'complete' && signup.status === 'open') return expireSignup(tx, signup);
			const session = await tx.checkoutSession.findFirst({
				where: { signupId, status: 'complete', stripeSessionId: { not: null } },
				select: { stripeSessionId: true }
			});
			if (session?.stripeSessionId) {
				await enqueue(tx, 'provisioning.checkout-changed', {
					stripeSessionId: session.stripeSessionId,
					failed: false
				});
			}
		});
	}
	await expireUnopened();
	await closeOverdueRequests();
}

/** Signups whose session was never opened: Stripe did not answer, and the visitor did not come back. */
async function expireUnopened(): Promise<void> {
	const abandoned = await db.signup.findMany({
		where: {
			status: 'open',
			tenantId: null,
			createdAt: { lt: after(now(), -60 * MINUTE) },
			sessions: { none: { status: { in: ['open', 'complete'] } } }
		},
		take: BATCH
	});
	for (const signup of abandoned) await transaction((tx) => expireSignup(tx, signup));
}
