import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { accountCnameDriver } from './accountCnameDriver.server.ts';
import { customHostnameDriver } from './customHostnameDriver.server.ts';
import type { DomainDriverActs, DomainPlace } from './drivers.ts';
import { edgeDriver } from './edgeDriver.server.ts';
import { entryTunnel } from '../tenantHosts.server.ts';
import type { CustomDomain, DomainDriver } from '#prisma/generated/client.ts';

const DRIVERS: Record<DomainDriver, DomainDriverActs> = {
	custom_hostname: customHostnameDriver,
	account_cname: accountCnameDriver,
	edge: edgeDriver
};

export function driverOf(driver: DomainDriver): DomainDriverActs {
	return DRIVERS[driver];
}

/** A domain with what its driver needs to know of its surroundings. */
export async function placeOfDomain(tx: Tx, id: string): Promise<DomainPlace> {
	const { tenant, ...domain } = await tx.customDomain.findUniqueOrThrow({
		where: { id },
		include: {
			tenant: {
				select: {
					...{ id: true, slug: true, customerId: true, status: true, databaseName: true },
					tunnel: { select: { id: true, cloudflareId: true } },
					baseDomain: { include: { tunnel: { select: { id: true, cloudflareId: true } } } }
				}
			}
		}
	});
	const { tunnel, baseDomain, ...facts } = tenant;
	const { tunnel: itsTunnel, ...base } = baseDomain;
	const ways = { tunnel, baseDomain: { tunnel: itsTunnel } };
	return { domain, tenant: facts, baseDomain: base, tunnel: entryTunnel(domain.driver, ways) };
}

/**
 * A domain by its id or its name. A name that several customers claim is that of who has proven it, else of who came
 * first.
 * @param scope of a customer: nobody else's is found
 * @throws {AppError} DOMAIN_NOT_FOUND
 */
export async function findDomain(
	tx: Tx,
	idOrName: string,
	scope: { customerId?: string } = {}
): Promise<CustomDomain> {
	const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(idOrName);
	const name = idOrName.toLowerCase().replace(/\.$/, '');
	const found = await tx.customDomain.findFirst({
		where: {
			...scope,
			status: { not: 'removed' },
			...(isId ? { id: idOrName } : { hostname: name })
		},
		orderBy: [{ verifiedAt: { sort: 'asc', nulls: 'last' } }, { createdAt: 'asc' }]
	});
	if (!found) throw new AppError('DOMAIN_NOT_FOUND', { params: { domain: idOrName } });
	return found;
}

/** What is ours, and so nobody else's: base domains with everything below, the control plane, hosts of the edge. */
export async function ownNames(tx: Tx): Promise<{ baseDomains: string[]; reserved: string[] }> {
	const baseDomains = await tx.baseDomain.findMany({ select: { name: true } });
	const hosts = await tx.edgeHost.findMany({ select: { hostname: true }, distinct: ['hostname'] });
	return {
		baseDomains: baseDomains.map(({ name }) => name),
		reserved: [new URL(env.ORIGIN).hostname, ...hosts.map(({ hostname }) => hostname)].filter(
			(name) => name !== '*'
		)
	};
}
