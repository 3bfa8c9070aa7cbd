import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { CustomDomain, DomainDriver } from '#prisma/generated/client.ts';
import { toUnicode } from '../punycode.ts';

/** The row for a verb of staff, who may act on every customer's; removed ones are found too. @throws {AppError} DOMAIN_NOT_FOUND */
export async function domainOfId(tx: Tx, id: string): Promise<CustomDomain> {
	const found =
		z.uuid().safeParse(id).success && (await tx.customDomain.findUnique({ where: { id } }));
	if (!found) throw new AppError('DOMAIN_NOT_FOUND', { params: { domain: id } });
	return found;
}

/** What only staff see of a domain: our own side of it, in the vendors' own words. */
export interface OurSide {
	driver: DomainDriver;
	/** Why our side could not go on the last time. */
	error: string | null;
	/** Cloudflare's words, where it is a custom hostname. */
	hostname: {
		id: string;
		status: string | null;
		certificate: string | null;
		errors: string[];
		seenAt: Date | null;
		adopted: boolean;
	} | null;
	/** The certificate that we order ourselves; null when there is none. */
	order: { error: string | null; failures: number; nextTryAt: Date | null } | null;
	misses: number;
	createdBy: string | null;
	/** Of others who have added the same name. */
	rivals: { id: string; companyName: string; verifiedAt: Date | null }[];
}

export async function ourSide(tx: Tx, domain: CustomDomain): Promise<OurSide> {
	const order = await tx.edgeCertificate.findUnique({
		where: { customDomainId: domain.id },
		select: { error: true, failures: true, nextTryAt: true }
	});
	const rivals = await tx.customDomain.findMany({
		where: { hostname: domain.hostname, id: { not: domain.id }, status: { not: 'removed' } },
		select: { id: true, verifiedAt: true, customer: { select: { companyName: true } } },
		orderBy: { createdAt: 'asc' },
		take: 20
	});
	return {
		...{ driver: domain.driver, error: domain.error, misses: domain.misses },
		createdBy: domain.createdBy,
		hostname: domain.cloudflareHostnameId
			? {
					id: domain.cloudflareHostnameId,
					status: domain.hostnameStatus,
					certificate: domain.hostnameSslStatus,
					errors: domain.hostnameErrors,
					seenAt: domain.hostnameSeenAt,
					adopted: domain.hostnameAdopted
				}
			: null,
		order,
		rivals: rivals.map(({ customer, ...rival }) => ({ ...rival, ...customer }))
	};
}

/** The domains of one instance or one customer, newest first, as a card shows them. */
export async function domainsOf(
	tx: Tx,
	whose: { tenantId: string } | { customerId: string },
	take = 100
) {
	const rows = await tx.customDomain.findMany({
		where: { ...whose, status: { not: 'removed' } },
		orderBy: [{ isPrimary: 'desc' }, { createdAt: 'desc' }, { id: 'desc' }],
		take,
		select: {
			...{ id: true, hostname: true, status: true, isPrimary: true, createdAt: true },
			...{ certificate: true, certificateExpiresAt: true, verifiedAt: true, published: true },
			redirectTo: { select: { hostname: true } },
			tenant: {
				select: { id: true, slug: true, status: true, baseDomain: { select: { name: true } } }
			}
		}
	});
	return rows.map(({ redirectTo, tenant, ...row }) => ({
		...row,
		unicode: toUnicode(row.hostname),
		/** In punycode, as `hostname`. */
		redirectTo: redirectTo?.hostname ?? null,
		tenantId: tenant.id,
		tenantStatus: tenant.status,
		platformHost: `${tenant.slug}.${tenant.baseDomain.name}`
	}));
}
export type DomainOfCard = Awaited<ReturnType<typeof domainsOf>>[number];
