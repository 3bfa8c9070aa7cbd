import { MINUTE } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Step } from '#lib/core/saga.server.ts';
import { ensureRecord, removeRecord } from '../domains/dns.server.ts';
import { convergence, requestConvergence } from '../domains/tunnels.server.ts';
import { cloudflareClient } from '../settings/clients.server.ts';
import { lookFromOutside } from './probe.server.ts';
import type { CreateTenantContext, CreateTenantState } from './stepTypes.ts';

/** How long the edge may take before the step counts as failed; tests shorten it. */
export const patience = { ingressMs: 10 * MINUTE, verifyMs: 5 * MINUTE };

/** The name leads to the tunnel. */
export const dnsStep: Step<CreateTenantState> = {
	name: 'dns',
	async run(context) {
		const { tenant, hostname, tunnel } = await placeOf(context.subjectId);
		const client = await cloudflareClient(context.trace);
		await ensureRecord(client, {
			tenantId: tenant.id,
			customerId: tenant.customerId,
			zoneId: tenant.baseDomain.zoneId,
			name: hostname,
			tunnelCloudflareId: tunnel.cloudflareId
		});
		return { detail: `${hostname} → ${tunnel.name}` };
	},
	async undo(context) {
		await removeRecord(await cloudflareClient(context.trace), context.subjectId);
	}
};

/** The tunnel leads to the container: asked for once, then waited for, so that many set-ups share one write. */
export const ingressStep: Step<CreateTenantState> = {
	name: 'ingress',
	async run(context) {
		const { tunnel } = await placeOf(context.subjectId);
		if (context.state.ingressVersion === undefined) await askForRule(context, tunnel.id);
		await applied(context, tunnel.id, context.state.ingressVersion!, context.state.ingressAskedAt!);
		return { detail: `${tunnel.name} · ${context.state.ingressVersion}` };
	},
	async undo(context) {
		const { tunnel } = await placeOf(context.subjectId);
		const version = await context.write(async (tx) => {
			await tx.tenant.update({ where: { id: context.subjectId }, data: { published: false } });
			return requestConvergence(tx, tunnel.id);
		});
		await applied(context, tunnel.id, version, Date.now());
	}
};

/** The world sees the login page of this tenant's database. */
export const verifyStep: Step<CreateTenantState> = {
	name: 'verify',
	async run(context) {
		const { tenant, hostname } = await placeOf(context.subjectId);
		if (context.state.firstLookAt === undefined) await context.save({ firstLookAt: Date.now() });
		const seen = await lookFromOutside({ hostname, databaseName: tenant.databaseName });
		if (seen.ok) return { detail: seen.detail };
		await context.log('debug', `GET ${hostname}/web/login: ${seen.detail}`);
		if (Date.now() - context.state.firstLookAt! > patience.verifyMs) {
			throw new AppError('VENDOR_UNAVAILABLE', {
				params: { vendor: hostname },
				detail: `not seen from outside: ${seen.detail}`
			});
		}
		return { wait: 1, detail: seen.detail, reason: 'not seen yet' };
	}
};

async function askForRule(context: CreateTenantContext, tunnelId: string): Promise<void> {
	const version = await context.write(async (tx) => {
		await tx.tenant.update({ where: { id: context.subjectId }, data: { published: true } });
		return requestConvergence(tx, tunnelId);
	});
	await context.save({ ingressVersion: version, ingressAskedAt: Date.now() });
}

/** @throws {AppError} VENDOR_UNAVAILABLE when Cloudflare does not take the document in time */
async function applied(
	context: CreateTenantContext,
	tunnelId: string,
	version: number,
	askedAt: number
): Promise<void> {
	for (;;) {
		const state = await convergence(db, tunnelId, version);
		if (state.applied) return;
		if (Date.now() - askedAt > patience.ingressMs) {
			throw new AppError('VENDOR_UNAVAILABLE', {
				params: { vendor: 'Cloudflare' },
				detail: state.error ?? 'the ingress document was not applied in time'
			});
		}
		await context.sleep(0.2);
	}
}

/** The tenant with the names under which it is published. */
export async function placeOf(tenantId: string) {
	const tenant = await db.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		include: {
			baseDomain: { include: { tunnel: true } },
			plan: true,
			customer: true,
			container: true
		}
	});
	return {
		tenant,
		hostname: `${tenant.slug}.${tenant.baseDomain.name}`,
		tunnel: tenant.baseDomain.tunnel
	};
}
