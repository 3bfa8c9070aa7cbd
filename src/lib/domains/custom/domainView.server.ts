import { DAY } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Tone } from '#lib/ui/tone.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CustomDomainStatus, DomainDriver } from '#prisma/generated/enums.ts';
import { setting } from '../../settings/settings.server.ts';
import { hostUrl } from './domainHosts.server.ts';
import { knownHostname } from './domainNames.ts';
import { driverOf, placeOfDomain } from './domainPlace.server.ts';
import { domainStatus } from './domainStateWords.ts';
import { findingSentence } from './domainWords.ts';
import type { DomainPlace } from './drivers.ts';
import type { Finding, Observed, WantedRecord } from '../doctor/domainTypes.ts';
import { type Fact, factsOf } from './domainFacts.ts';
import { reportOf, type SeenRow } from '../doctor/domainReport.ts';
import { tokenAmong } from '../doctor/ownershipToken.ts';
import { toUnicode } from '../punycode.ts';
import { findingsOf, observedOf } from '../doctor/storedLook.ts';
import { convergence } from '../tunnels/tunnels.server.ts';

/** A record that a customer has to set, and whether it is there. */
export interface RecordToSet extends WantedRecord {
	/** Null: nobody could look. */
	isSet: boolean | null;
}

/** Something that a person may have to change. */
export interface Advice {
	code: Finding['code'];
	sentence: string;
	blocks: boolean;
}

/** What was found, in words: the one thing to change first. */
export interface Report {
	/** ISO time; null: nobody has looked yet. */
	at: string | null;
	rows: SeenRow[];
	first: Advice | null;
	others: Advice[];
}

export interface OtherHost {
	id: string;
	hostname: string;
	unicode: string;
	status: CustomDomainStatus;
}

/** What a page shows of one domain, for staff and customer alike: nothing in it is a vendor's own words. */
export interface DomainView {
	id: string;
	customerId: string;
	/** In punycode. */
	hostname: string;
	unicode: string;
	url: string;
	isApex: boolean;
	/** The domain that somebody registered. */
	registrable: string;
	driver: DomainDriver;
	status: CustomDomainStatus;
	state: { label: string; tone: Tone; sentence: string };
	tenant: { id: string; slug: string; platformHost: string; platformUrl: string };
	/** It only sends on to this one. */
	redirectTo: OtherHost | null;
	/** These only send on to it. */
	redirects: OtherHost[];
	isPrimary: boolean;
	facts: Fact[];
	records: RecordToSet[];
	nameservers: string[];
	report: Report;
	checkedAt: Date | null;
	nextCheckAt: Date | null;
	createdAt: Date;
	activatedAt: Date | null;
	brokenAt: Date | null;
	/** A record is outstanding, so that looking every second pays. */
	isOutstanding: boolean;
	may: Record<'verify' | 'activate' | 'deactivate' | 'makePrimary' | 'endPrimary', boolean>;
}

/** A look that is newer than what the row keeps. */
export interface Newer {
	seen: Observed;
	proven: boolean;
	routed: boolean;
	findings: Finding[];
}

/** @param tx the owner's: whose domain it is was asked before */
export async function domainView(tx: Tx, id: string): Promise<DomainView> {
	const place = await placeOfDomain(tx, id);
	return viewOf(tx, place);
}

export async function viewOf(tx: Tx, place: DomainPlace): Promise<DomainView> {
	const { domain, tenant, baseDomain } = place;
	const name = knownHostname(domain.hostname);
	const others = await otherHosts(tx, domain);
	const platformHost = `${tenant.slug}.${baseDomain.name}`;
	const observed = observedOf(domain.observed);
	return {
		...{ id: domain.id, customerId: domain.customerId, hostname: domain.hostname },
		...{ unicode: name.unicode, url: hostUrl(domain.hostname), isApex: name.isApex },
		...{ registrable: name.registrable, driver: domain.driver, status: domain.status },
		state: {
			...domainStatus(domain.status),
			sentence: stateSentence(domain, platformHost)
		},
		tenant: {
			...{ id: tenant.id, slug: tenant.slug, platformHost },
			platformUrl: hostUrl(platformHost)
		},
		...others,
		isPrimary: domain.isPrimary,
		facts: await factsNow(tx, place, null),
		records: await recordsToSet(tx, place),
		nameservers: observed?.nameservers ?? [],
		report: await reportNow(place, null),
		...{ checkedAt: domain.checkedAt, nextCheckAt: domain.nextCheckAt },
		...{ createdAt: domain.createdAt, activatedAt: domain.activatedAt },
		brokenAt: domain.brokenAt,
		isOutstanding: isOutstanding(domain),
		may: {
			verify: domain.status !== 'inactive' && domain.status !== 'removed',
			activate: domain.status === 'inactive' && domain.verifiedAt !== null,
			deactivate: domain.status === 'active',
			makePrimary: domain.status === 'active' && !domain.isPrimary && !domain.redirectToId,
			endPrimary: domain.isPrimary
		}
	};
}

type Row = DomainPlace['domain'];

/** Something of it is up to the customer's DNS. */
export function isOutstanding(
	domain: Pick<Row, 'status' | 'verifiedAt' | 'routedAt' | 'unprovenSince'>
): boolean {
	if (!['pending', 'verifying', 'error'].includes(domain.status)) return false;
	return !domain.verifiedAt || !domain.routedAt || domain.status === 'error';
}

function stateSentence({ status, brokenAt, redirectToId }: Row, platform: string): string {
	switch (status) {
		case 'pending':
			return m.domains_state_pending();
		case 'verifying':
			return m.domains_state_verifying();
		case 'active':
			return redirectToId ? m.domains_state_redirects() : m.domains_state_active();
		case 'error':
			return brokenAt ? m.domains_state_broken({ platform }) : m.domains_state_error();
		case 'inactive':
			return m.domains_state_inactive({ platform });
		case 'removed':
			return m.domains_state_removed();
	}
}

async function otherHosts(
	tx: Tx,
	{ id, redirectToId }: Row
): Promise<Pick<DomainView, 'redirectTo' | 'redirects'>> {
	const rows = await tx.customDomain.findMany({
		where: {
			status: { not: 'removed' },
			OR: [{ redirectToId: id }, ...(redirectToId ? [{ id: redirectToId }] : [])]
		},
		select: { id: true, hostname: true, status: true },
		orderBy: { createdAt: 'asc' }
	});
	const hosts = rows.map((row) => ({ ...row, unicode: toUnicode(row.hostname) }));
	return {
		redirectTo: hosts.find((host) => host.id === redirectToId) ?? null,
		redirects: hosts.filter((host) => host.id !== redirectToId)
	};
}

/** The checklist. @param newer null: as the row has it */
export async function factsNow(
	tx: Tx,
	{ domain, tunnel }: DomainPlace,
	newer: Newer | null
): Promise<Fact[]> {
	const version = domain.publishedVersion;
	const isInTunnel = domain.published && domain.driver !== 'edge' && version !== null;
	const grace = domain.unprovenSince && (await setting('domains.ownership_grace_days')) * DAY;
	const findings = findingsNow(domain, newer);
	return factsOf(domain, {
		applied: isInTunnel ? (await convergence(tx, tunnel.id, version)).applied : null,
		...(newer && { live: { proven: newer.proven, routed: newer.routed } }),
		blocked: new Set(findings.filter(({ blocks }) => blocks).map((finding) => finding.of)),
		graceUntil:
			domain.unprovenSince && grace ? new Date(domain.unprovenSince.getTime() + grace) : null
	});
}

/** What only our own side can know, and no look from outside. */
const NOT_SEEN = new Set<Finding['code']>([
	...(['certificate_refused', 'hostname_blocked', 'hostname_deleted', 'hostname_txt'] as const),
	...(['zone_missing', 'record_in_the_way', 'taken', 'instance_silent'] as const)
]);

function findingsNow(domain: Row, newer: Newer | null): Finding[] {
	const stored = findingsOf(domain.findings);
	if (!newer) return stored;
	const seen = newer.findings.filter(
		// Where the record is ours to make, its absence is nothing that the customer could change.
		(one) => domain.driver !== 'account_cname' || one.of !== 'routing'
	);
	return [...seen, ...stored.filter(({ code }) => NOT_SEEN.has(code))];
}

/** What is seen next to what should be there. @param newer null: as the row has it */
export async function reportNow(place: DomainPlace, newer: Newer | null): Promise<Report> {
	const { domain } = place;
	const stored = observedOf(domain.observed);
	const observed = newer ? { ...newer.seen, https: stored?.https ?? null } : stored;
	const findings = findingsNow(domain, newer);
	const [first = null, ...others] = findings.map((finding) => ({
		...{ code: finding.code, blocks: finding.blocks },
		sentence: findingSentence(finding)
	}));
	const rows = reportOf({
		...{ hostname: domain.hostname, verificationName: domain.verificationName },
		...{ verificationToken: domain.verificationToken, observed, findings },
		records: await driverOf(domain.driver).records(place),
		proven: newer?.proven ?? (domain.verifiedAt !== null && domain.unprovenSince === null),
		routed: newer?.routed ?? domain.routedAt !== null,
		answerAt: newer && stored?.https ? stored.at : null
	});
	return { at: observed?.at ?? null, rows, first, others };
}

/** The token, then what leads each name here; what only sends on to it is set together with it. */
export async function recordsToSet(tx: Tx, place: DomainPlace): Promise<RecordToSet[]> {
	const { domain } = place;
	const observed = observedOf(domain.observed);
	const { redirects } = await otherHosts(tx, domain);
	const token: WantedRecord = {
		...{ purpose: 'ownership', type: 'TXT', name: domain.verificationName },
		value: domain.verificationToken
	};
	const own = await driverOf(domain.driver).records(place);
	const records = [token, ...own].map((record) => ({
		...record,
		isSet: isSet(record, observed)
	}));
	for (const { id } of redirects) {
		const other = await placeOfDomain(tx, id);
		const seen = observedOf(other.domain.observed);
		for (const record of await driverOf(other.domain.driver).records(other))
			records.push({ ...record, isSet: isSet(record, seen) });
	}
	// Cloudflare proves most names by where they lead; only where it says so a record more is needed.
	for (const { code, params } of findingsOf(domain.findings)) {
		const { name, value } = params;
		if (code === 'hostname_txt' && name && value)
			records.push({ purpose: 'certificate', type: 'TXT', name, value, isSet: false });
	}
	return records;
}

export function isSet(record: WantedRecord, observed: Observed | null): boolean | null {
	if (!observed) return null;
	if (record.type === 'TXT') {
		const { name, records, state } = observed.ownership;
		if (name !== record.name || state === 'unreachable') return null;
		return tokenAmong(records, record.value) === 'found';
	}
	if (record.name !== observed.hostname || observed.address === 'unreachable') return null;
	if (record.type === 'A') return observed.a.includes(record.value);
	if (record.type === 'AAAA') return observed.aaaa.includes(record.value);
	// An apex that is flattened shows addresses alone.
	return observed.cnames.includes(record.value) || (record.type === 'ALIAS' ? null : false);
}
