import { db, transaction } from '#lib/core/db.server.ts';
import { prepareBase } from '#lib/domains/base/basePrepare.server.ts';
import { checkDomain } from '#lib/domains/custom/checkDomain.server.ts';
import { addDomain } from '#lib/domains/custom/customDomains.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { cloudflareDocument } from '../../src/sandbox/cloudflare/state.ts';
import type { CustomDomain, Tenant } from '#prisma/generated/client.ts';
import { giveAway } from './buyers.ts';
import type { TestPlatform } from './platform.ts';
import { eventually } from './queue.ts';
import { registrar } from './registrar.ts';

/** What customers point their CNAME at. */
export const TARGET = 'customers.sajet.us';

/** The default base domain takes custom hostnames from here on. */
export async function readyForDomains(): Promise<void> {
	const base = await db.baseDomain.findFirstOrThrow({ where: { isDefault: true } });
	await prepareBase(base.id);
}

/** An instance that runs. */
export async function liveTenant(slug: string): Promise<Tenant> {
	const { tenantId } = await giveAway('basic', slug);
	return eventually(async () => {
		const tenant = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
		return tenant.status === 'active' && tenant;
	}, 60);
}

/** Custom domains as a test handles them. */
export function customDomains({ sandbox }: Pick<TestPlatform, 'sandbox'>) {
	const dns = registrar(sandbox);
	const add = (tenant: Tenant, hostname: string, withSibling = false) =>
		transaction((tx) => addDomain(tx, { tenantId: tenant.id, hostname, withSibling }, SYSTEM));
	const read = (id: string) => db.customDomain.findUniqueOrThrow({ where: { id } });
	const becomes = (id: string, status: CustomDomain['status']) =>
		eventually(async () => {
			const domain = await read(id);
			return domain.status === status && domain;
		}, 40);
	const prove = (domain: CustomDomain) =>
		dns.set('TXT', domain.verificationName, domain.verificationToken);
	return {
		...{ dns, add, read, becomes, prove },
		codes: (domain: CustomDomain) =>
			(domain.findings as { code: string }[]).map(({ code }) => code),
		/** As Cloudflare holds it. */
		hostname: (name: string) =>
			cloudflareDocument(sandbox.kernel)
				.get()
				.hostnames.find((one) => one.hostname === name),
		/** Somebody presses the button, and the look is over. */
		lookNow: async (id: string): Promise<CustomDomain> => {
			await checkDomain(id, false);
			return read(id);
		},
		/** A domain that works. @returns it, and the ids of its TXT and CNAME records at the registrar */
		working: async (tenant: Tenant, name: string) => {
			const [domain] = await add(tenant, name);
			const records = [await prove(domain!), await dns.set('CNAME', domain!.hostname, TARGET)];
			return { domain: await becomes(domain!.id, 'active'), records };
		}
	};
}
