import { randomBytes } from 'node:crypto';
import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { CustomDomain, CustomDomainStatus, Prisma } from '#prisma/generated/client.ts';
import { audit, type Actor } from '../../logs/audit.server.ts';
import { expectMay } from '../../plans/may.server.ts';
import { ownNames } from './domainPlace.server.ts';
import { checkTransition } from './domainStates.ts';
import { hostnameRefusal } from './domainWords.ts';
import { parseHostname } from '../hostname.ts';
import { requestHosts } from '../tenantHosts.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `due`: only when its time has come and nobody looked meanwhile; `turn`: nobody waits for it. */
		'domains.check': { domainId: string; when: 'now' | 'due' | 'turn' };
		'domains.remove': { domainId: string };
		/** Of provisioning, which owns what stands in the instance. */
		'provisioning.base-url': { tenantId: string };
	}
}

const GONE = ['deleting', 'deleted', 'refunded'] as const;

export interface NewDomain {
	tenantId: string;
	/** As it was typed. */
	hostname: string;
	/** The `www` of an apex, or the apex of a `www`, comes along and sends on to it. */
	withSibling: boolean;
}

/**
 * Adds a domain to a customer's instance; nothing of it works before it is proven whose it is. The same name may be
 * claimed by several customers until one proves it.
 * @param scope of a customer who asks for itself; absent for staff
 * @returns the domain, then the one that sends on to it
 * @throws {AppError} DOMAIN_INVALID with the reason, DOMAIN_EXISTS, TENANT_NOT_FOUND, TENANT_GONE, LIMIT_REACHED
 */
export async function addDomain(
	tx: Tx,
	wanted: NewDomain,
	by: Actor,
	scope: { customerId?: string } = {}
): Promise<CustomDomain[]> {
	const tenant = await tx.tenant.findFirst({
		where: { id: wanted.tenantId, ...scope },
		include: { baseDomain: { select: { driver: true } } }
	});
	if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id: wanted.tenantId } });
	if (GONE.some((status) => status === tenant.status)) throw new AppError('TENANT_GONE');
	const parsed = parseHostname(wanted.hostname, await ownNames(tx));
	if (!parsed.ok) {
		const reason = hostnameRefusal(parsed.code);
		throw new AppError('DOMAIN_INVALID', { params: { domain: wanted.hostname.trim(), reason } });
	}
	const { customerId, id: tenantId } = tenant;
	await expectMay(tx, { customerId, tenantId }, 'domains');
	const sibling = wanted.withSibling ? parsed.sibling : null;
	// Who holds the apex holds its www as well, and not the other way round.
	const proofAt = sibling ? parsed.registrable : parsed.hostname;
	const common = {
		...{ customerId, tenantId, driver: tenant.baseDomain.driver },
		verificationName: `_erp-verify.${proofAt}`,
		verificationToken: `erp-verify=${randomBytes(20).toString('hex')}`,
		createdBy: by.label
	};
	const main = await insert(tx, { ...common, hostname: parsed.hostname });
	const added = [main];
	if (sibling)
		added.push(await insert(tx, { ...common, hostname: sibling, redirectToId: main.id }));
	for (const domain of added) {
		await audit(tx, {
			actor: by,
			action: 'domains.add',
			subject: { type: 'domain', id: domain.id },
			customerId,
			after: { domain: domain.hostname, tenant: tenant.slug, driver: domain.driver }
		});
		await askForCheck(tx, domain);
	}
	await announce(tx, main);
	return added;
}

async function insert(
	tx: Tx,
	data: Omit<Prisma.CustomDomainUncheckedCreateInput, 'hostname'> & { hostname: string }
): Promise<CustomDomain> {
	await lock(tx, `domain:${data.customerId}:${data.hostname}`);
	const { customerId, hostname } = data;
	const live = { customerId, hostname, status: { not: 'removed' as const } };
	if ((await tx.customDomain.count({ where: live })) > 0)
		throw new AppError('DOMAIN_EXISTS', { params: { domain: hostname } });
	return tx.customDomain.create({ data });
}

/** Looks at a domain as soon as a worker has time, before those whose turn it merely is. */
export async function askForCheck(tx: Tx, domain: Pick<CustomDomain, 'id'>): Promise<void> {
	const { id } = domain;
	await enqueue(tx, 'domains.check', { domainId: id, when: 'now' }, { key: id, priority: 10 });
}

/** Somebody wants it looked at now: what waited or failed is tried again. @throws {AppError} WRONG_STATE when it is off */
export async function verifyDomain(tx: Tx, domain: CustomDomain): Promise<void> {
	if (domain.status === 'inactive' || domain.status === 'removed')
		throw new AppError('WRONG_STATE', { params: { from: domain.status, to: 'verifying' } });
	if (domain.status === 'pending' || domain.status === 'error')
		await move(tx, domain, 'verifying', {});
	for (const one of [domain, ...(await redirectsOf(tx, domain))]) await askForCheck(tx, one);
}

/** What only sends on to it, and is proven and set together with it. */
export function redirectsOf(tx: Tx, { id }: { id: string }): Promise<{ id: string }[]> {
	return tx.customDomain.findMany({
		where: { redirectToId: id, status: { notIn: ['removed', 'inactive'] } },
		select: { id: true }
	});
}

/** Switches it off by hand: visitors find nothing there, what was made stays. @throws {AppError} WRONG_STATE */
export async function deactivateDomain(tx: Tx, domain: CustomDomain, by: Actor): Promise<void> {
	await move(tx, domain, 'inactive', { published: false, nextCheckAt: null });
	await note(tx, 'domains.deactivate', domain, by, { status: 'inactive' });
	await requestHosts(tx, domain);
	await followPrimary(tx, domain);
}

/**
 * Switches it on again. Whether it still works is looked at at once.
 * @throws {AppError} WRONG_STATE; DOMAIN_NOT_ACTIVE when nothing proves whose it is any more
 */
export async function activateDomain(tx: Tx, domain: CustomDomain, by: Actor): Promise<void> {
	checkTransition(domain.status, 'active');
	if (!domain.verifiedAt)
		throw new AppError('DOMAIN_NOT_ACTIVE', { params: { domain: domain.hostname } });
	await move(tx, domain, 'active', { published: true, nextCheckAt: now(), misses: 0 });
	await note(tx, 'domains.activate', domain, by, { status: 'active' });
	await requestHosts(tx, domain);
	await followPrimary(tx, domain);
	await askForCheck(tx, domain);
}

/**
 * Takes a domain away for good, with what only sends on to it. What was made for it at Cloudflare or on the edge is taken
 * back by a job, and nothing else.
 */
export async function removeDomain(tx: Tx, domain: CustomDomain, by: Actor): Promise<void> {
	const redirects = await tx.customDomain.findMany({
		where: { redirectToId: domain.id, status: { not: 'removed' } }
	});
	for (const one of [...redirects, domain]) {
		await move(tx, one, 'removed', {
			...{ published: false, isPrimary: false, nextCheckAt: null },
			removedAt: now()
		});
		await note(tx, 'domains.remove', one, by, { status: 'removed' });
		await enqueue(tx, 'domains.remove', { domainId: one.id }, { key: one.id });
	}
	await requestHosts(tx, domain);
	await followPrimary(tx, domain);
}

/** All domains of an instance that goes. */
export async function removeDomainsOf(tx: Tx, tenantId: string, by: Actor): Promise<void> {
	const domains = await tx.customDomain.findMany({
		where: { tenantId, redirectToId: null, status: { not: 'removed' } }
	});
	for (const domain of domains) await removeDomain(tx, domain, by);
}

/**
 * Makes it the address of its instance: links and mails name it, the other hosts send on to it while it works.
 * @throws {AppError} DOMAIN_REDIRECTS, DOMAIN_NOT_ACTIVE
 */
export async function makePrimary(tx: Tx, domain: CustomDomain, by: Actor): Promise<void> {
	const params = { domain: domain.hostname };
	if (domain.redirectToId) throw new AppError('DOMAIN_REDIRECTS', { params });
	if (domain.status !== 'active') throw new AppError('DOMAIN_NOT_ACTIVE', { params });
	if (domain.isPrimary) return;
	await clearPrimary(tx, domain.tenantId);
	await tx.customDomain.update({
		where: { id: domain.id, customerId: domain.customerId },
		data: { isPrimary: true, version: { increment: 1 } }
	});
	await note(tx, 'domains.make-primary', domain, by, { primary: true });
	await requestHosts(tx, domain);
	await followPrimary(tx, { ...domain, isPrimary: true });
	await announce(tx, domain);
}

/** The platform's own subdomain is the address of the instance again. */
export async function endPrimary(tx: Tx, domain: CustomDomain, by: Actor): Promise<void> {
	if (!domain.isPrimary) return;
	await clearPrimary(tx, domain.tenantId);
	await note(tx, 'domains.end-primary', domain, by, { primary: false });
	await requestHosts(tx, domain);
	await followPrimary(tx, domain);
	await announce(tx, domain);
}

async function clearPrimary(tx: Tx, tenantId: string): Promise<void> {
	await tx.customDomain.updateMany({
		where: { tenantId, isPrimary: true },
		data: { isPrimary: false, version: { increment: 1 } }
	});
}

/** The instance is to name another address when its primary domain comes or goes. */
export async function followPrimary(
	tx: Tx,
	domain: Pick<CustomDomain, 'tenantId' | 'isPrimary'>
): Promise<void> {
	if (!domain.isPrimary) return;
	const { tenantId } = domain;
	await enqueue(tx, 'provisioning.base-url', { tenantId }, { key: tenantId });
}

/**
 * Moves a domain from the state that the caller saw to another.
 * @throws {AppError} WRONG_STATE, CHANGED_MEANWHILE
 */
export async function move(
	tx: Tx,
	domain: Pick<CustomDomain, 'id' | 'customerId' | 'status'>,
	to: CustomDomainStatus,
	data: Prisma.CustomDomainUncheckedUpdateManyInput
): Promise<void> {
	checkTransition(domain.status, to);
	const { id, customerId, status } = domain;
	const { count } = await tx.customDomain.updateMany({
		where: { id, customerId, status },
		data: { ...data, status: to, version: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await announce(tx, domain);
}

/** Tells whoever looks at the domain, at its customer or at the lists. */
export async function announce(
	tx: Tx,
	domain: Pick<CustomDomain, 'id' | 'customerId'>
): Promise<void> {
	const topics = [`domain:${domain.id}`, `customer:${domain.customerId}`, 'staff:domains'];
	await publish(tx, topics, domain.id);
}

async function note(
	tx: Tx,
	action: string,
	domain: CustomDomain,
	by: Actor,
	after: object
): Promise<void> {
	await audit(tx, {
		actor: by,
		action,
		subject: { type: 'domain', id: domain.id },
		customerId: domain.customerId,
		before: { domain: domain.hostname, status: domain.status, primary: domain.isPrimary },
		after
	});
}
