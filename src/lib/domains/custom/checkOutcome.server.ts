import { DAY, now, SECOND } from '#lib/core/clock.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { CustomDomain, CustomDomainStatus, Prisma } from '#prisma/generated/client.ts';
import type { VendorError } from '../../integrations/errors.ts';
import { storable } from '../../logs/json.server.ts';
import { setting } from '../../settings/settings.server.ts';
import type { Answer } from './answer.server.ts';
import type { Look } from './checkDomain.server.ts';
import { MISSES, pause, shareOf } from './checkPace.ts';
import { announce, followPrimary } from './customDomains.server.ts';
import {
	tellBroken,
	tellLost,
	tellRestored,
	tellUnproven,
	tellVerified
} from './domainNotices.server.ts';
import { wayTo } from './domainStates.ts';
import type { DomainPlace, WayIn } from './drivers.ts';
import type { Finding, FindingCode } from '../doctor/domainTypes.ts';
import type { Owned } from './ownership.server.ts';
import { requestHosts } from '../tenantHosts.server.ts';

export interface Outcome {
	look: Look;
	owned: Owned;
	/** Null when nothing was asked of our side, or it could not answer. */
	way: WayIn | null;
	routed: boolean;
	published: boolean;
	/** Null when it was too early to ask. */
	answered: Answer | null;
	failure: VendorError | null;
}

/** What a person has to change before anything goes on: red, and not merely waited for. */
const RED = new Set<FindingCode>([
	...(['taken', 'dnssec_broken', 'cname_loop', 'caa_forbids', 'hostname_blocked'] as const),
	...(['certificate_refused', 'record_in_the_way', 'zone_missing', 'domain_unregistered'] as const)
]);
const ORDER = ['ownership', 'routing', 'certificate', 'answer'] as const;

/** What stands in the way, most telling first. What a later fact proves wrong is left out. */
export function findingsOf({ look, owned, way, routed, answered }: Outcome): Finding[] {
	// Where no address is expected the driver alone knows whether the name leads here.
	const isForDriver = look.expected.target === null && look.expected.addresses.length === 0;
	const seen = look.findings.filter((one) => !(isForDriver && one.of === 'routing'));
	const all = [
		...owned.findings,
		...(way?.findings ?? []),
		...seen,
		...(answered?.finding ? [answered.finding] : [])
	];
	const codes = new Set<string>();
	return all
		.filter((one) => {
			if (one.of === 'ownership' && look.proven && one.code !== 'taken') return false;
			if (one.of === 'routing' && one.blocks && routed) return false;
			if (one.of === 'answer' && answered?.ok) return false;
			return !codes.has(one.code) && codes.add(one.code);
		})
		.toSorted(
			(a, b) => Number(b.blocks) - Number(a.blocks) || ORDER.indexOf(a.of) - ORDER.indexOf(b.of)
		);
}

/** What a domain has become by what was found. */
export function statusAfter(
	domain: Pick<CustomDomain, 'status' | 'misses' | 'brokenAt' | 'certificate'>,
	outcome: Outcome,
	findings: Finding[]
): CustomDomainStatus {
	const { owned, way, routed, answered, failure } = outcome;
	const works = owned.proven && routed && answered?.ok === true;
	if (domain.status === 'active') {
		if (!owned.proven) return 'error';
		// Nothing is known where our own side could not answer, or nobody could be asked.
		if (works || isUnknown(outcome)) return 'active';
		return domain.misses + 1 >= MISSES ? 'error' : 'active';
	}
	if (works) return 'active';
	if (domain.brokenAt || findings.some(({ code }) => RED.has(code))) return 'error';
	const goesOn = owned.proven && (routed || way?.certificate === 'active' || failure !== null);
	return goesOn ? 'verifying' : 'pending';
}

/** Neither right nor wrong: resolvers or a vendor were out of reach, or the rule is still on its way. */
export function isUnknown({ look, way, answered, failure }: Outcome): boolean {
	if (failure) return true;
	if (look.seen.address === 'unreachable') return true;
	return answered === null && way?.routed !== false && look.routed && way?.certificate === 'active';
}

/** Writes down what was found and says it to whom it concerns. */
export async function settle(place: DomainPlace, outcome: Outcome): Promise<void> {
	const { domain } = place;
	const { owned } = outcome;
	const findings = findingsOf(outcome);
	const wanted = statusAfter(domain, outcome, findings);
	const status = wayTo(domain.status, wanted) ? wanted : domain.status;
	const works = outcome.answered?.ok === true;
	const misses = status !== 'active' || works || isUnknown(outcome) ? 0 : domain.misses + 1;
	const broke = domain.status === 'active' && status === 'error';
	const came = domain.status !== 'active' && status === 'active';
	const at = now();
	const since = sinceOf(domain, outcome, broke ? at : null);
	const paced = { status, misses, since, share: shareOf(domain.id), failed: !!outcome.failure };
	const wait = pause(paced, at);
	await transaction(async (tx) => {
		const { count } = await tx.customDomain.updateMany({
			// What a person did meanwhile stays: switched off, removed, or lost to somebody else.
			where: {
				...{ id: domain.id, customerId: domain.customerId, status: domain.status },
				...(owned.proven ? { verifiedAt: { not: null } } : {})
			},
			data: {
				...factsOf(outcome, domain, works),
				...{ status, misses, findings: findings.map((one) => ({ ...one })) },
				...(came && { activatedAt: domain.activatedAt ?? at, brokenAt: null }),
				...(broke && { brokenAt: at }),
				checkedAt: at,
				nextCheckAt: wait === null ? null : new Date(at.getTime() + wait),
				version: { increment: 1 }
			}
		});
		if (count === 0) return;
		if (came || broke) {
			await requestHosts(tx, domain);
			await followPrimary(tx, domain);
		}
		if (came) await (domain.activatedAt ? tellRestored : tellVerified)(tx, domain);
		else if (broke && owned.proven) await tellBroken(tx, domain, findings[0] ?? null);
		else if (broke) await tellLost(tx, domain);
		if (owned.unprovenSince && !domain.unprovenSince && owned.proven && domain.activatedAt) {
			const days = await setting('domains.ownership_grace_days');
			await tellUnproven(tx, domain, new Date(owned.unprovenSince.getTime() + days * DAY));
		}
		// What somebody may be watching goes on at once; the clock of the rest is looked at every minute.
		if (wait !== null && wait < 60 * SECOND)
			await enqueue(
				tx,
				'domains.check',
				{ domainId: domain.id, when: 'due' },
				{ key: domain.id, startAfter: Math.ceil(wait / SECOND) }
			);
		await announce(tx, domain);
	});
}

function sinceOf(domain: CustomDomain, { owned }: Outcome, broke: Date | null): Date {
	return broke ?? domain.brokenAt ?? owned.verifiedAt ?? domain.createdAt;
}

/** The columns that say what is so. */
function factsOf(
	{ look, owned, way, routed, failure }: Outcome,
	domain: CustomDomain,
	works: boolean
): Prisma.CustomDomainUncheckedUpdateManyInput {
	const at = now();
	return {
		verifiedAt: owned.verifiedAt,
		unprovenSince: owned.unprovenSince,
		observed: storable(look.seen),
		error: failure?.message.slice(0, 500) ?? null,
		// Out of reach is not elsewhere.
		...(look.seen.address !== 'unreachable' && {
			routedAt: routed ? (domain.routedAt ?? at) : null
		}),
		...(works && { seenAt: at }),
		...(way && {
			...way.facts,
			certificate: way.certificate,
			certificateIssuer: way.issuer ?? domain.certificateIssuer,
			certificateExpiresAt: way.expiresAt ?? domain.certificateExpiresAt,
			configuredAt: way.configured ? (domain.configuredAt ?? at) : null
		})
	};
}
