import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { driverOf } from './domainPlace.server.ts';
import { hostUrl } from './domainHosts.server.ts';
import { findingSentence } from './domainWords.ts';
import type { DomainPlace } from './drivers.ts';
import { entryTunnel } from '../tenantHosts.server.ts';
import { toUnicode } from '../punycode.ts';
import { findingsOf } from '../doctor/storedLook.ts';

const moment = z.iso.datetime().nullable();

/** What a customer's domain looks like in the API; times are ISO 8601 in UTC. */
export const domainSchema = z.object({
	id: z.uuid(),
	/** In punycode. */
	domain: z.string(),
	/** As people read it. */
	unicode: z.string(),
	status: z.enum(['pending', 'verifying', 'active', 'error', 'inactive', 'removed']),
	customer: z.object({ id: z.uuid(), company_name: z.string() }),
	tenant: z.object({ id: z.uuid(), subdomain: z.string() }),
	/** The instance's name under a domain of ours; it works whatever becomes of this one. */
	platform_host: z.string(),
	driver: z.enum(['custom_hostname', 'account_cname', 'edge']),
	/** Links and mails of the instance name it. */
	primary: z.boolean(),
	/** The domain that it only sends on to. */
	redirect_to: z.string().nullable(),
	ownership: z.object({ txt_name: z.string(), txt_value: z.string(), verified_at: moment }),
	/** What has to be set at the registrar, the ownership's TXT included. */
	records: z.array(z.object({ type: z.string(), name: z.string(), value: z.string() })),
	certificate: z.object({
		status: z.enum(['none', 'pending', 'active', 'error']),
		issuer: z.string().nullable(),
		expires_at: moment
	}),
	/** What is not as it should be, most telling first, in the language of the request. */
	findings: z.array(z.object({ code: z.string(), sentence: z.string(), blocks: z.boolean() })),
	url: z.url(),
	checked_at: moment,
	created_at: z.iso.datetime(),
	activated_at: moment
});
export type DomainJson = z.infer<typeof domainSchema>;

const include = {
	customer: { select: { companyName: true } },
	redirectTo: { select: { hostname: true } },
	tenant: {
		select: {
			...{ id: true, slug: true, customerId: true, status: true, databaseName: true },
			tunnel: { select: { id: true, cloudflareId: true } },
			baseDomain: { include: { tunnel: { select: { id: true, cloudflareId: true } } } }
		}
	}
} satisfies Prisma.CustomDomainInclude;

/** TXT records that Cloudflare asks for. */
const asked = z.array(z.object({ name: z.string(), value: z.string() }));

type Found = Prisma.CustomDomainGetPayload<{ include: typeof include }>;

/** Domains in the API's shape, in the order of their ids. */
export async function domainsJson(tx: Tx, ids: string[]): Promise<DomainJson[]> {
	const rows = await tx.customDomain.findMany({ where: { id: { in: ids } }, include });
	const byId = new Map(rows.map((row) => [row.id, row]));
	return Promise.all(ids.flatMap((id) => byId.get(id) ?? []).map(jsonOf));
}

/** One domain, a removed one as well. @throws {AppError} DOMAIN_NOT_FOUND */
export async function domainJson(tx: Tx, id: string): Promise<DomainJson> {
	const [found] = await domainsJson(tx, [id]);
	if (!found) throw new AppError('DOMAIN_NOT_FOUND', { params: { domain: id } });
	return found;
}

async function jsonOf(row: Found): Promise<DomainJson> {
	const iso = (at: Date | null) => at?.toISOString() ?? null;
	const { tenant } = row;
	const routing = await driverOf(row.driver).records(placeOf(row));
	return {
		...{ id: row.id, domain: row.hostname, unicode: toUnicode(row.hostname) },
		status: row.status,
		customer: { id: row.customerId, company_name: row.customer.companyName },
		tenant: { id: tenant.id, subdomain: tenant.slug },
		platform_host: `${tenant.slug}.${tenant.baseDomain.name}`,
		driver: row.driver,
		primary: row.isPrimary,
		redirect_to: row.redirectTo?.hostname ?? null,
		ownership: {
			txt_name: row.verificationName,
			txt_value: row.verificationToken,
			verified_at: iso(row.verifiedAt)
		},
		records: [
			{ type: 'TXT', name: row.verificationName, value: row.verificationToken },
			...routing.map(({ type, name, value }) => ({ type, name, value })),
			...(asked.safeParse(row.hostnameRecords).data ?? []).map((one) => ({ type: 'TXT', ...one }))
		],
		certificate: {
			status: row.certificate,
			issuer: row.certificateIssuer,
			expires_at: iso(row.certificateExpiresAt)
		},
		findings: findingsOf(row.findings).map((finding) => ({
			...{ code: finding.code, sentence: findingSentence(finding), blocks: finding.blocks }
		})),
		url: hostUrl(row.hostname),
		checked_at: iso(row.checkedAt),
		created_at: row.createdAt.toISOString(),
		activated_at: iso(row.activatedAt)
	};
}

function placeOf(row: Found): DomainPlace {
	const { tenant, customer: _customer, redirectTo: _redirectTo, ...domain } = row;
	const { tunnel, baseDomain, ...facts } = tenant;
	const way = entryTunnel(domain.driver, { tunnel, baseDomain });
	return { domain, tenant: facts, baseDomain, tunnel: way };
}
