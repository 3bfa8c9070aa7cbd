import { MINUTE, SECOND } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { nextNotice } from '#lib/core/listen.server.ts';
import type { Step, StepContext, StepWait } from '#lib/core/saga.server.ts';
import { ensureRecord, removeRecord } from '../domains/records/dns.server.ts';
import { tunnelFor } from '../domains/tunnels/tunnelChoice.server.ts';
import {
	convergence,
	requestConvergence,
	wantedVersion
} from '../domains/tunnels/tunnels.server.ts';
import { cloudflareClient } from '../settings/clients.server.ts';
import { lookFromOutside } from '../domains/custom/answer.server.ts';
import { stepMessage } from './stepMessages.ts';
import type { CreateTenantContext, CreateTenantState } from './stepTypes.ts';

/** Tests shorten it. */
export const patience = {
	/** How long the edge may take before the step counts as failed. */
	ingressMs: 10 * MINUTE,
	verifyMs: 5 * MINUTE,
	/** What takes longer than this is looked at every `calmSeconds`, between which the run holds no worker. */
	usualMs: 10 * SECOND,
	calmSeconds: 15
};

/** The name leads to the tunnel. */
export const dnsStep: Step<CreateTenantState> = {
	name: 'dns',
	async run(context) {
		await chooseTunnel(context);
		const { tenant, hostname, tunnel } = await placeOf(context.subjectId);
		const client = await cloudflareClient(context.trace);
		await ensureRecord(client, {
			owner: { kind: 'tenant', id: tenant.id },
			customerId: tenant.customerId,
			zoneId: tenant.baseDomain.zoneId,
			name: hostname,
			tunnelCloudflareId: tunnel.cloudflareId
		});
		return { message: stepMessage('record_ready', { hostname, tunnel: tunnel.name }) };
	},
	async undo(context) {
		const owner = { kind: 'tenant', id: context.subjectId } as const;
		await removeRecord(await cloudflareClient(context.trace), owner);
		// Another try may find room on another node.
		await context.write((tx) =>
			tx.tenant.update({ where: { id: context.subjectId }, data: { tunnelId: null } })
		);
	}
};

/** The tunnel leads to the container: asked for once, then waited for, so that many set-ups share one write. */
export const ingressStep: Step<CreateTenantState> = {
	name: 'ingress',
	async run(context) {
		const { tunnel } = await placeOf(context.subjectId);
		if (context.state.ingressVersion === undefined) await askForRule(context, tunnel.id);
		const version = context.state.ingressVersion!;
		const wait = await notApplied(context, tunnel.id, version, context.state.ingressAskedAt!);
		return wait ?? { message: stepMessage('rule_applied', { tunnel: tunnel.name, version }) };
	},
	async undo(context) {
		const { tunnel } = await placeOf(context.subjectId);
		const wait = await withdraw(context, tunnel.id, Date.now());
		if (wait)
			throw new AppError('VENDOR_FAILED', {
				params: { vendor: 'cloudflare' },
				detail: 'the rule has not left the tunnel yet'
			});
	}
};

/** The world sees the login page of this tenant's database. */
export const verifyStep: Step<CreateTenantState> = {
	name: 'verify',
	async run(context) {
		const { tenant, hostname } = await placeOf(context.subjectId);
		if (context.state.firstLookAt === undefined) await context.save({ firstLookAt: Date.now() });
		const seen = await lookFromOutside({ hostname, databaseName: tenant.databaseName });
		if (seen.ok) return { message: stepMessage('seen', { hostname }) };
		await context.log('debug', `GET ${hostname}/web/login: ${seen.detail}`);
		if (Date.now() - context.state.firstLookAt! > patience.verifyMs) {
			throw new AppError('NOT_SEEN', {
				params: { hostname },
				detail: `not seen from outside: ${seen.detail}`
			});
		}
		const pace =
			Date.now() - context.state.firstLookAt! < patience.usualMs ? 1 : patience.calmSeconds;
		const message = stepMessage('not_seen_yet', { hostname });
		return { wait: pace, message, reason: message.code };
	}
};

/** Once: what is published stays with its tunnel until somebody moves it. */
async function chooseTunnel(context: CreateTenantContext): Promise<void> {
	const { tenant } = await placeOf(context.subjectId);
	if (tenant.tunnelId) return;
	const { baseDomain, container } = tenant;
	await context.write(async (tx) => {
		const { id } = await tunnelFor(tx, { baseDomain, nodeId: container?.nodeId ?? null });
		await tx.tenant.update({ where: { id: tenant.id }, data: { tunnelId: id } });
	});
}

async function askForRule(context: CreateTenantContext, tunnelId: string): Promise<void> {
	const version = await context.write(async (tx) => {
		await tx.tenant.update({ where: { id: context.subjectId }, data: { published: true } });
		return requestConvergence(tx, tunnelId);
	});
	await context.save({ ingressVersion: version, ingressAskedAt: Date.now() });
}

/**
 * Takes the rule out of the tunnel. Safe to repeat: what somebody else has asked for meanwhile is waited for with it.
 * @param askedAt milliseconds since the epoch
 * @returns null when Cloudflare has none any more
 * @throws {AppError} VENDOR_FAILED when it does not take the document in time
 */
export async function withdraw(
	context: Pick<StepContext<object>, 'subjectId' | 'write' | 'signal' | 'log'>,
	tunnelId: string,
	askedAt: number
): Promise<StepWait | null> {
	const version = await context.write(async (tx) => {
		const { count } = await tx.tenant.updateMany({
			where: { id: context.subjectId, published: true },
			data: { published: false }
		});
		return count > 0 ? requestConvergence(tx, tunnelId) : wantedVersion(tx, tunnelId);
	});
	return notApplied(context, tunnelId, version, askedAt);
}

/**
 * Looks until the tunnel has this version or the usual time is over.
 * @returns null when it has it
 * @throws {AppError} VENDOR_FAILED when Cloudflare does not take the document in time
 */
export async function notApplied(
	context: Pick<StepContext<object>, 'signal' | 'log'>,
	tunnelId: string,
	version: number,
	askedAt: number
): Promise<StepWait | null> {
	for (;;) {
		// A version that is applied after the look is heard.
		const applied = nextNotice(`tunnel:${tunnelId}`);
		try {
			const state = await convergence(db, tunnelId, version);
			if (state.applied) return null;
			const waited = Date.now() - askedAt;
			if (waited > patience.ingressMs) {
				throw new AppError('VENDOR_FAILED', {
					params: { vendor: 'cloudflare' },
					detail: state.error ?? 'the ingress document was not applied in time'
				});
			}
			if (waited > patience.usualMs) {
				if (state.error) await context.log('warning', state.error);
				const message = stepMessage('rule_pending', {});
				return { wait: patience.calmSeconds, message, reason: message.code };
			}
			await applied.wait({ listening: 1, deaf: 0.2 }, context.signal);
		} finally {
			applied.stop();
		}
	}
}

/** The tenant, whose it is, and the names under which it is published. */
export async function placeOf(tenantId: string) {
	const tenant = await db.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		include: {
			baseDomain: { include: { tunnel: true } },
			tunnel: true,
			container: { select: { nodeId: true } },
			customer: true
		}
	});
	return {
		tenant,
		hostname: `${tenant.slug}.${tenant.baseDomain.name}`,
		tunnel: tenant.tunnel ?? tenant.baseDomain.tunnel
	};
}
