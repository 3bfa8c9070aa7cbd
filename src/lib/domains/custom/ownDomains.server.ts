import { z } from 'zod';
import { asCustomer, asOwner, type CustomerScope, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { PageMeta, PageRequest } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import type { Actor } from '../../logs/audit.server.ts';
import { may, type May } from '../../plans/may.server.ts';
import { addDomain, type NewDomain } from './customDomains.server.ts';
import { type DomainRow, listDomainRows } from './domainList.server.ts';
import { ownNames } from './domainPlace.server.ts';
import { domainView, type DomainView } from './domainView.server.ts';
import { hostnameRefusal } from './domainWords.ts';
import { type Hostname, parseHostname } from '../hostname.ts';

export const OWN_DOMAIN_LIST = {
	sort: ['created_at', 'domain', 'certificate'],
	defaultSort: '-created_at',
	filters: ['status', 'certificate', 'tenant']
} as const satisfies ListSpec;

/** One page of a company's own domains. @param tx the customer's */
export function listOwnDomains(
	tx: Tx,
	customerId: string,
	query: ListQuery & PageRequest
): Promise<{ rows: DomainRow[]; meta: PageMeta }> {
	return listDomainRows(tx, { ...query, filters: { ...query.filters, customer: customerId } });
}

/** An instance that a domain can lead to. */
export interface DomainInstance {
	id: string;
	slug: string;
	/** The name that it has from us, and keeps. */
	platformHost: string;
	/** How many domains it has of those that its plan includes. */
	may: May;
}

/** The instances of a company that are not gone, by name. @param tx the customer's */
export async function domainInstances(tx: Tx, customerId: string): Promise<DomainInstance[]> {
	const tenants = await tx.tenant.findMany({
		where: { customerId, status: { notIn: ['deleting', 'deleted', 'refunded'] } },
		select: { id: true, slug: true, baseDomain: { select: { name: true } } },
		orderBy: { slug: 'asc' }
	});
	const instances: DomainInstance[] = [];
	for (const { id, slug, baseDomain } of tenants)
		instances.push({
			...{ id, slug, platformHost: `${slug}.${baseDomain.name}` },
			may: await may(tx, { customerId, tenantId: id }, 'domains')
		});
	return instances;
}

/** What somebody typed as a domain. */
export type Typed =
	| (Pick<Hostname, 'hostname' | 'unicode' | 'isApex' | 'registrable' | 'sibling'> & {
			ok: true;
			/** The company has it already. */
			knownId: string | null;
	  })
	| { ok: false; reason: string };

/** Reads what somebody typed, with the sentence that says why it cannot be. @param tx the customer's */
export async function readTyped(tx: Tx, customerId: string, typed: string): Promise<Typed> {
	// Which names are the platform's own is nobody's secret to keep, and nothing that a customer may list.
	const parsed = parseHostname(typed, await asOwner(tx, ownNames));
	if (!parsed.ok) return { ok: false, reason: hostnameRefusal(parsed.code) };
	const { hostname } = parsed;
	const known = await tx.customDomain.findFirst({
		where: { customerId, hostname, status: { not: 'removed' } },
		select: { id: true }
	});
	return { ...parsed, knownId: known?.id ?? null };
}

/**
 * Adds a domain to one of the company's instances.
 * @returns the domain; the one that sends on to it came along where that was wanted
 * @throws {AppError} as `addDomain`
 */
export function addOwnDomain(
	scope: CustomerScope,
	wanted: NewDomain,
	by: Actor
): Promise<CustomDomain> {
	const { customerId } = scope;
	return asCustomer(scope, async (tx) => {
		const where = { id: wanted.tenantId, customerId };
		const tenant = await tx.tenant.findFirst({ where, select: { id: true } });
		if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id: wanted.tenantId } });
		const [main] = await asOwner(tx, (owner) => addDomain(owner, wanted, by, { customerId }));
		return main!;
	});
}

/**
 * Does something with one of the company's domains.
 * @param act gets the row, and the owner's rights for it
 * @throws {AppError} DOMAIN_NOT_FOUND, also for somebody else's
 */
export function withOwnDomain<R>(
	scope: CustomerScope,
	id: string,
	act: (owner: Tx, domain: CustomDomain) => Promise<R>
): Promise<R> {
	return asCustomer(scope, async (tx) => {
		await expectOwn(tx, scope, id);
		return asOwner(tx, async (owner) =>
			act(owner, await owner.customDomain.findUniqueOrThrow({ where: { id } }))
		);
	});
}

/** @throws {AppError} DOMAIN_NOT_FOUND, the same for what is not there and what is somebody else's */
async function expectOwn(tx: Tx, { customerId }: CustomerScope, id: string): Promise<void> {
	const found =
		z.uuid().safeParse(id).success &&
		(await tx.customDomain.findFirst({
			where: { id, customerId, status: { not: 'removed' } },
			select: { id: true }
		}));
	if (!found) throw new AppError('DOMAIN_NOT_FOUND', { params: { domain: id } });
}

export interface DomainAct {
	id: string;
	at: Date;
	actorKind: string;
	actorLabel: string;
	action: string;
}

const SHOWN_ACTS = 50;

/** One of the company's domains with what was done to it, newest first. @throws {AppError} DOMAIN_NOT_FOUND */
export function ownDomainView(
	scope: CustomerScope,
	id: string
): Promise<{ view: DomainView; acts: DomainAct[] }> {
	const { customerId } = scope;
	return asCustomer(scope, async (tx) => {
		await expectOwn(tx, scope, id);
		const acts = await tx.auditEntry.findMany({
			where: { customerId, subjectType: 'domain', subjectId: id },
			select: { id: true, at: true, actorKind: true, actorLabel: true, action: true },
			orderBy: [{ at: 'desc' }, { id: 'desc' }],
			take: SHOWN_ACTS
		});
		return { view: await asOwner(tx, (owner) => domainView(owner, id)), acts };
	});
}
