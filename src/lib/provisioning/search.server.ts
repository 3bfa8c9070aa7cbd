import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, inOrder } from '#lib/core/paging.server.ts';
import { toUnicode } from '../domains/punycode.ts';
import { nameTyped } from '../domains/custom/typedDomain.server.ts';
import type { CustomDomainStatus } from '#prisma/generated/enums.ts';
import { tenantSelect, tenantViews, type TenantView } from './tenantView.server.ts';

/**
 * Tenants by whatever somebody has at hand: name, public address, company, contact, mail, VMID or IP; gone ones last.
 * A VMID counts only as a whole, or every number would find half of them.
 */
export async function searchTenants(tx: Tx, typed: string, take = 20): Promise<TenantView[]> {
	const pattern = contains(typed);
	const vmid = /^\d{1,9}$/.test(typed) ? Number(typed) : null;
	const rows = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
		SELECT tenant.id FROM tenant_deployments tenant
		JOIN base_domains domain ON domain.id = tenant.base_domain_id
		LEFT JOIN lxc_containers container ON container.id = tenant.container_id
		WHERE tenant.subdomain || '.' || domain.name LIKE ${pattern}
			OR container.vmid = ${vmid} OR container.ip_address LIKE ${pattern}
			OR tenant.customer_id IN (
				SELECT id FROM customers WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${pattern})
		ORDER BY tenant.status IN ('deleted', 'refunded'), tenant.subdomain = ${typed} DESC, tenant.created_at DESC
		LIMIT ${take}`);
	const ids = rows.map(({ id }) => id);
	const tenants = await tx.tenant.findMany({ where: { id: { in: ids } }, select: tenantSelect });
	return tenantViews(tx, inOrder(ids, tenants));
}

/** A customer as the search shows it. */
export interface FoundCustomer {
	id: string;
	companyName: string;
	email: string;
}

/** Customers by company, contact, mail, tax id or their id at Stripe. */
export function searchCustomers(tx: Tx, typed: string, take = 10): Promise<FoundCustomer[]> {
	return tx.$queryRaw<FoundCustomer[]>`
		SELECT id, company_name AS "companyName", email FROM customers
		WHERE status <> 'deleted' AND (lower(company_name || ' ' || full_name || ' ' || email) LIKE ${contains(typed)}
			OR lower(stripe_customer_id) = ${typed} OR lower(tax_id) = ${typed})
		LIMIT ${take}`;
}

/** An invoice as the search shows it; the total in minor units. */
export interface FoundInvoice {
	id: string;
	number: string | null;
	companyName: string;
	total: number;
	currency: string;
}

/** Invoices by their number or their id at Stripe. */
export function searchInvoiceNumbers(tx: Tx, typed: string, take = 10): Promise<FoundInvoice[]> {
	return tx.$queryRaw<FoundInvoice[]>`
		SELECT invoice.id, invoice.number, customer.company_name AS "companyName", invoice.total,
			invoice.currency::text AS currency
		FROM invoices invoice JOIN customers customer ON customer.id = invoice.customer_id
		WHERE lower(invoice.number) LIKE ${contains(typed)} OR invoice.stripe_invoice_id = ${typed}
		LIMIT ${take}`;
}

/** A customer's own domain as the search shows it. */
export interface FoundDomain {
	id: string;
	/** As people read it. */
	unicode: string;
	status: CustomDomainStatus;
	companyName: string;
}

/** Customers' own domains by their name, in whatever script; removed ones are left out. */
export async function searchDomains(tx: Tx, typed: string, take = 10): Promise<FoundDomain[]> {
	const rows = await tx.$queryRaw<(Omit<FoundDomain, 'unicode'> & { hostname: string })[]>`
		SELECT entry.id, entry.external_domain AS hostname, entry.verification_status AS status,
			customer.company_name AS "companyName"
		FROM custom_domains entry JOIN customers customer ON customer.id = entry.customer_id
		WHERE entry.external_domain LIKE ${contains(nameTyped(typed))} AND entry.verification_status <> 'removed'
		ORDER BY entry.verified_at IS NULL, length(entry.external_domain), entry.created_at
		LIMIT ${take}`;
	return rows.map(({ hostname, ...row }) => ({ ...row, unicode: toUnicode(hostname) }));
}
