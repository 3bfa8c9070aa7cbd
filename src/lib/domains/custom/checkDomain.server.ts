import { SECOND } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { nextNotice } from '#lib/core/listen.server.ts';
import { VendorError } from '../../integrations/errors.ts';
import { answerUnder } from './answer.server.ts';
import { settle } from './checkOutcome.server.ts';
import { announce } from './customDomains.server.ts';
import { diagnose, ownershipProven, routedHere } from '../doctor/doctor.ts';
import { knownHostname } from './domainNames.ts';
import { driverOf, placeOfDomain } from './domainPlace.server.ts';
import type { DomainPlace, WayIn } from './drivers.ts';
import type { Expected, Finding, Observed } from '../doctor/domainTypes.ts';
import { answersWell } from '../doctor/domainTypes.ts';
import { answerAt, observe } from '../doctor/observe.server.ts';
import { ownershipAfter } from './ownership.server.ts';
import { requestHosts } from '../tenantHosts.server.ts';
import { convergence } from '../tunnels/tunnels.server.ts';

/** Tests shorten it. */
export const patience = {
	/** How long a look waits for the tunnel to take the rule; the next look goes on. */
	ruleMs: 8 * SECOND
};

/** What one look from outside found. */
export interface Look {
	seen: Observed;
	expected: Expected;
	proven: boolean;
	routed: boolean;
	findings: Finding[];
}

/** Looks at a domain from outside, and changes nothing. @param options fresh: past what resolvers remember */
export async function lookAt(
	place: DomainPlace,
	options: { https: boolean; fresh: boolean }
): Promise<Look> {
	const { domain } = place;
	const { hostname, verificationName, verificationToken } = domain;
	const [seen, way] = await Promise.all([
		observe({ hostname, verificationName }, options),
		driverOf(domain.driver).expected(place)
	]);
	const expected: Expected = {
		...way,
		...{ hostname, verificationName, verificationToken },
		isApex: knownHostname(hostname).isApex,
		certificateExpected: domain.certificate === 'active'
	};
	return {
		...{ seen, expected },
		proven: ownershipProven(seen, expected),
		routed: routedHere(seen, expected),
		findings: diagnose(seen, expected)
	};
}

/**
 * Looks at a domain and brings it as far as it goes: whose it is, the way in on our side, its rule, the answer of its
 * instance under it. May run any number of times, and after any death: each part looks before it acts.
 * @param calm nobody waits for it: what was read within the day will do
 * A vendor that fails is a sentence in the row, and the next look tries again.
 */
export async function checkDomain(domainId: string, calm: boolean): Promise<void> {
	const place = await placeOfDomain(db, domainId);
	const { domain } = place;
	if (domain.status === 'inactive' || domain.status === 'removed') return;
	const look = await lookAt(place, { https: true, fresh: !calm });
	const owned = await ownershipAfter(domain, look);
	const { way, failure } = owned.proven ? await wayIn(place, look, calm) : NO_WAY;
	const routed = way?.routed ?? look.routed;
	const wanted = owned.proven && (way?.configured ?? domain.published);
	const isReady = await publishRule(place, wanted);
	const certified = (way?.certificate ?? domain.certificate) === 'active';
	const answered = isReady && routed && certified ? await answerUnder(place) : null;
	if (answered?.ok) await lookAgain(look.seen);
	await settle(place, { look, owned, way, routed, published: wanted, answered, failure });
}

/** What answered before our side was ready is no longer so when its instance answers. */
async function lookAgain(seen: Observed): Promise<void> {
	if (answersWell(seen.https)) return;
	seen.https = (await answerAt(seen.hostname, [...seen.a, ...seen.aaaa])) ?? seen.https;
}

const NO_WAY: { way: WayIn | null; failure: VendorError | null } = { way: null, failure: null };

async function wayIn(place: DomainPlace, look: Look, calm: boolean): Promise<typeof NO_WAY> {
	try {
		const driver = driverOf(place.domain.driver);
		return { way: await driver.ensure(place, { seen: look.seen, calm }), failure: null };
	} catch (error) {
		// What was seen from outside is true all the same.
		if (!(error instanceof VendorError)) throw error;
		return { way: null, failure: error };
	}
}

/**
 * Its rule is in the document, or not any more. Our own edge has its configuration from its driver.
 * @returns true when visitors find it there
 */
async function publishRule({ domain, tunnel }: DomainPlace, wanted: boolean): Promise<boolean> {
	let version = domain.publishedVersion;
	if (domain.published !== wanted || (wanted && version === null)) {
		version = await transaction(async (tx) => {
			const asked = (await requestHosts(tx, domain)).get(tunnel.id) ?? null;
			await tx.customDomain.updateMany({
				where: { id: domain.id, customerId: domain.customerId, removedAt: null },
				data: { published: wanted, publishedVersion: asked }
			});
			await announce(tx, domain);
			return asked;
		});
	}
	if (!wanted || version === null) return false;
	return domain.driver === 'edge' || applied(tunnel.id, version);
}

async function applied(tunnelId: string, version: number): Promise<boolean> {
	const until = Date.now() + patience.ruleMs;
	const { signal } = new AbortController();
	for (;;) {
		// A version that is applied after the look is heard.
		const notice = nextNotice(`tunnel:${tunnelId}`);
		try {
			if ((await convergence(db, tunnelId, version)).applied) return true;
			if (Date.now() >= until) return false;
			await notice.wait({ listening: 1, deaf: 0.2 }, signal);
		} finally {
			notice.stop();
		}
	}
}

/** Takes back what was made for a domain that was removed. */
export async function takeDown(domainId: string): Promise<void> {
	const place = await placeOfDomain(db, domainId);
	if (place.domain.status !== 'removed') return;
	await driverOf(place.domain.driver).remove(place);
	await db.customDomain.updateMany({
		where: { id: domainId, status: 'removed' },
		data: { configuredAt: null, error: null }
	});
}
