import { DAY, now } from '#lib/core/clock.server.ts';
import { lock, transaction, type Tx } from '#lib/core/db.server.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { audit, SYSTEM } from '../../logs/audit.server.ts';
import { setting } from '../../settings/settings.server.ts';
import { announce, followPrimary } from './customDomains.server.ts';
import { tellLost } from './domainNotices.server.ts';
import { wayTo } from './domainStates.ts';
import type { Finding, Observed } from '../doctor/domainTypes.ts';
import { proveOwnership } from '../doctor/observe.server.ts';
import { requestHosts } from '../tenantHosts.server.ts';

export interface Owned {
	/** It counts as theirs now. */
	proven: boolean;
	verifiedAt: Date | null;
	unprovenSince: Date | null;
	/** Somebody else has proven that it is theirs. */
	findings: Finding[];
}

const TAKEN: Finding = { code: 'taken', of: 'ownership', blocks: true, params: {} };

/**
 * Whose a domain is after a look. The token proves it; what nobody could read changes nothing; a token that went away is
 * waited for during the days of grace. Who holds a name keeps it as long as its own token stands there.
 */
export async function ownershipAfter(
	domain: CustomDomain,
	look: { proven: boolean; seen: Pick<Observed, 'ownership'> }
): Promise<Owned> {
	const { verifiedAt, unprovenSince } = domain;
	const kept = { proven: verifiedAt !== null, verifiedAt, unprovenSince, findings: [] };
	if (look.proven) return verifiedAt ? { ...kept, unprovenSince: null } : claim(domain);
	const isKnown = ['found', 'nxdomain', 'nodata'].includes(look.seen.ownership.state);
	if (!verifiedAt || !isKnown) return kept;
	const since = unprovenSince ?? now();
	const grace = (await setting('domains.ownership_grace_days')) * DAY;
	if (now().getTime() - since.getTime() < grace) return { ...kept, unprovenSince: since };
	return { proven: false, verifiedAt: null, unprovenSince: since, findings: [] };
}

/** The holder's own token is asked for outside of the transaction that decides. */
async function claim(domain: CustomDomain): Promise<Owned> {
	const none = { proven: false, verifiedAt: null, unprovenSince: null };
	const holder = await transaction((tx) => holderOf(tx, domain));
	if (holder) {
		const proof = await proveOwnership(holder.verificationName, holder.verificationToken);
		// Not seen for lack of an answer is not gone.
		if (proof.state === 'proven' || proof.state === 'unknown')
			return { ...none, findings: [TAKEN] };
	}
	return transaction(async (tx) => {
		await lock(tx, `domain-name:${domain.hostname}`);
		const still = await holderOf(tx, domain);
		if (still && still.id !== holder?.id) return { ...none, findings: [TAKEN] };
		if (still) await loseTo(tx, still);
		const verifiedAt = now();
		await tx.customDomain.updateMany({
			where: { id: domain.id, customerId: domain.customerId },
			data: { verifiedAt, unprovenSince: null }
		});
		await audit(tx, {
			actor: SYSTEM,
			action: 'domains.prove',
			subject: { type: 'domain', id: domain.id },
			customerId: domain.customerId,
			after: { domain: domain.hostname, txt: domain.verificationName }
		});
		return { proven: true, verifiedAt, unprovenSince: null, findings: [] };
	});
}

function holderOf(tx: Tx, { id, hostname }: CustomDomain): Promise<CustomDomain | null> {
	return tx.customDomain.findFirst({
		where: { hostname, verifiedAt: { not: null }, status: { not: 'removed' }, id: { not: id } }
	});
}

/** Somebody else has proven the name, and this one's token is gone: it stops at once. */
async function loseTo(tx: Tx, holder: CustomDomain): Promise<void> {
	const status = wayTo(holder.status, 'error') ? 'error' : holder.status;
	await tx.customDomain.updateMany({
		where: { id: holder.id, customerId: holder.customerId },
		data: {
			...{ verifiedAt: null, published: false, status, brokenAt: holder.brokenAt ?? now() },
			findings: [{ ...TAKEN, params: {} }],
			version: { increment: 1 }
		}
	});
	await audit(tx, {
		actor: SYSTEM,
		action: 'domains.lose',
		subject: { type: 'domain', id: holder.id },
		customerId: holder.customerId,
		before: { domain: holder.hostname, status: holder.status },
		after: { status }
	});
	await tellLost(tx, holder);
	await requestHosts(tx, holder);
	await followPrimary(tx, holder);
	await announce(tx, holder);
}
