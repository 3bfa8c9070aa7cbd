import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { cached } from '#lib/core/cache.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { CustomDomainStatus } from '#prisma/generated/enums.ts';
import { lookAt } from '../custom/checkDomain.server.ts';
import { askForCheck, redirectsOf } from '../custom/customDomains.server.ts';
import { placeOfDomain } from '../custom/domainPlace.server.ts';
import {
	factsNow,
	isOutstanding,
	isSet,
	type Newer,
	recordsToSet,
	type Report,
	reportNow
} from '../custom/domainView.server.ts';
import type { Fact } from '../custom/domainFacts.ts';
import type { DomainPlace } from '../custom/drivers.ts';
import { findingSchema, observedSchema } from './storedLook.ts';

/** How long things may take; tests shorten them. */
export const watchPatience = {
	/** One look, whoever is silent. */
	lookMs: 2_500,
	/** So long one look is everybody's. */
	sharedSeconds: 0.9,
	/** Between two looks of a worker that a change was noticed for. */
	askedSeconds: 4
};

/** What a live look answers to the page, as JSON. */
export interface LiveLook {
	/** ISO time; null: nothing could be asked in time, and the rest is what was known before. */
	at: string | null;
	status: CustomDomainStatus;
	/** Something is still up to the customer's DNS. */
	isOutstanding: boolean;
	/** A worker was asked to go on, so that the page's own data will change. */
	goesOn: boolean;
	facts: Fact[];
	/** Beside each record to set, whether it is there; null: not known. */
	records: { type: string; name: string; value: string; isSet: boolean | null }[];
	report: Report;
}

const newerSchema = z.object({
	seen: observedSchema,
	proven: z.boolean(),
	routed: z.boolean(),
	findings: z.array(findingSchema)
});

/**
 * Looks at a domain now, past what resolvers remember, and says what is seen; many who watch share one look. When
 * something has come about that the row does not know, a worker is asked to go on from there.
 * @param id of a domain that was asked before whose it is
 */
export async function lookNow(id: string): Promise<LiveLook> {
	const place = await placeOfDomain(db, id);
	const { domain } = place;
	const newer = await seenNow(place);
	const goesOn = newer !== null && hasComeAbout(place, newer) && (await goOn(place));
	return {
		at: newer?.seen.at ?? null,
		status: domain.status,
		isOutstanding: isOutstanding(domain),
		goesOn,
		facts: await factsNow(db, place, newer),
		records: (await recordsToSet(db, place)).map((record) => ({
			...{ type: record.type, name: record.name, value: record.value },
			isSet: (newer && isSet(record, newer.seen)) ?? record.isSet
		})),
		report: await reportNow(place, newer)
	};
}

/** @returns null when nobody answered in time */
async function seenNow(place: DomainPlace): Promise<Newer | null> {
	const late = new AbortController();
	const look = cached(
		`domain-look:${place.domain.id}`,
		watchPatience.sharedSeconds,
		newerSchema,
		async () => {
			const { seen, proven, routed, findings } = await lookAt(place, {
				https: false,
				fresh: true
			});
			return { seen, proven, routed, findings };
		}
	);
	// Who does not wait for it any more does not have to hear of its failure either.
	look.catch(() => undefined);
	const { signal } = late;
	const end = sleep(watchPatience.lookMs, null, { signal }).catch(() => null);
	try {
		return await Promise.race([look, end]);
	} finally {
		late.abort();
	}
}

/** The world says more than the row does; what went away is left to the regular looks, which know how to wait. */
function hasComeAbout({ domain }: DomainPlace, { proven, routed }: Newer): boolean {
	if (!isOutstanding(domain)) return false;
	return (proven && !domain.verifiedAt) || (routed && !domain.routedAt);
}

/** Once in a few seconds: what a worker cannot change, a name that is somebody else's, is not asked for without end. */
async function goOn({ domain }: DomainPlace): Promise<boolean> {
	await cached(`domain-goes-on:${domain.id}`, watchPatience.askedSeconds, z.string(), async () => {
		await transaction(async (tx) => {
			for (const one of [domain, ...(await redirectsOf(tx, domain))]) await askForCheck(tx, one);
		});
		return now().toISOString();
	});
	return true;
}
