import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { now, SECOND } from '#lib/core/clock.server.ts';
import { sha256 } from '#lib/core/crypto.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { certificateFiles, edgePlan, type EdgePlan } from './edgePlan.server.ts';
import { EdgeError, edgeShell, MAIN, releasePath, type EdgeShell } from './edgeShell.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `look`: also when nothing new is wanted, for what others may have changed there. */
		'domains.edge-converge': { edgeServerId: string; look?: boolean | undefined };
		'domains.edge-converge-all': Record<string, never>;
	}
}

/** Tests shorten it. */
export const patience = {
	/** How long the workers of a new release may take to answer. */
	reloadMs: 10 * SECOND
};
/** Somebody asks faster than can be written: after so many rounds the queue goes on. */
const ROUNDS = 10;

/**
 * Says, as part of `tx`, that what an edge server's configuration derives from has changed.
 * @returns the version that must have been applied before the change can be seen from outside
 */
export async function requestEdge(tx: Tx, edgeServerId: string): Promise<number> {
	const { wantedVersion } = await tx.edgeServer.update({
		where: { id: edgeServerId },
		data: { wantedVersion: { increment: 1 } },
		select: { wantedVersion: true }
	});
	await enqueue(tx, 'domains.edge-converge', { edgeServerId }, { key: edgeServerId });
	return wantedVersion;
}

/**
 * Brings an edge server's nginx to what the database derives, and repeats while somebody wants more. Each step looks
 * first: after a death at any of them the next run goes on. When nginx refuses, what it serves stays what it was.
 * @throws {VendorError} what SSH or nginx said, which the row keeps
 */
export async function convergeEdge(edgeServerId: string): Promise<void> {
	try {
		const shell = await edgeShell(edgeServerId);
		try {
			for (let round = 0; round < ROUNDS; round++) {
				const { wantedVersion } = await db.edgeServer.findUniqueOrThrow({
					where: { id: edgeServerId },
					select: { wantedVersion: true }
				});
				const plan = await edgePlan(db, edgeServerId, await shell.http2());
				const changed = await bring(shell, plan);
				if (await recordApplied(edgeServerId, wantedVersion, plan.release, changed)) return;
			}
		} finally {
			shell.close();
		}
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		await db.edgeServer.update({ where: { id: edgeServerId }, data: { error: message } });
		await publish(db, 'staff:edge-servers', edgeServerId);
		throw error;
	}
}

/** @returns whether anything had to be done */
async function bring(shell: EdgeShell, plan: EdgePlan): Promise<boolean> {
	const { release, config, certificates } = plan;
	const path = releasePath(release);
	const digests = new Map([[`releases/${release}/nginx.conf`, sha256(config).toString('hex')]]);
	for (const [id, digest] of certificates) digests.set(`certs/${id}.pem`, digest);
	const current = await shell.current();
	const serving = await shell.serving();
	const lying = await shell.certificates();
	const missing = [...certificates.keys()].filter((id) => !lying.has(id));
	const isWhole = missing.length === 0 && (await shell.fits(digests));
	if (isWhole && current === path && serving === release) return false;
	if (!isWhole) {
		// What is damaged is written again as a whole: which file it was does not matter.
		const wanted = missing.length > 0 ? missing : [...certificates.keys()];
		await shell.write(release, [
			{ path: `releases/${release}/nginx.conf`, content: config, mode: 0o644 },
			...(await certificateFiles(db, wanted))
		]);
		if (!(await shell.fits(digests))) {
			// Only what was missing was sent, and something else is damaged.
			await shell.write(release, await certificateFiles(db, [...certificates.keys()]));
			if (!(await shell.fits(digests)))
				throw new EdgeError('edge.write', 'the files there are not those that were written');
		}
	}
	await testWith(shell, path, release, plan);
	if (current !== path) await shell.use(path, current);
	const before = serving && serving !== release ? releasePath(serving) : null;
	try {
		await shell.reload();
		await untilServed(shell, release);
	} catch (error) {
		// A lost connection says nothing of nginx: the next run looks. A refusal is undone.
		if (error instanceof EdgeError && (before || current === MAIN)) await shell.back(before);
		throw error;
	}
	await shell.prune([release, ...(serving ? [serving] : [])], new Set(certificates.keys()));
	return true;
}

/** A key is seen by nginx alone: when it refuses, all of them are written again before it is believed. */
async function testWith(
	shell: EdgeShell,
	path: string,
	release: string,
	{ certificates }: EdgePlan
): Promise<void> {
	try {
		await shell.test(path);
	} catch (error) {
		if (!(error instanceof EdgeError) || certificates.size === 0) throw error;
		await shell.write(release, await certificateFiles(db, [...certificates.keys()]));
		await shell.test(path);
	}
}

/** nginx says that it reloads before it does: only the workers' answer counts. @throws {EdgeError} */
async function untilServed(shell: EdgeShell, release: string): Promise<void> {
	const until = Date.now() + patience.reloadMs;
	for (;;) {
		if ((await shell.serving()) === release) return;
		if (Date.now() >= until)
			throw new EdgeError('edge.reload', 'nginx does not serve the new configuration');
		await sleep(200);
	}
}

/** False when more was wanted meanwhile: another round is due. */
async function recordApplied(
	id: string,
	version: number,
	release: string,
	changed: boolean
): Promise<boolean> {
	return transaction(async (tx) => {
		// A worker that was given up for dead may come here late: what is applied never goes back.
		await tx.edgeServer.updateMany({
			where: { id, appliedVersion: { lte: version } },
			data: {
				...{ appliedVersion: version, appliedHash: release },
				...{ appliedAt: now(), error: null }
			}
		});
		await publish(tx, 'staff:edge-servers', id);
		if (changed) await askForLooks(tx, id);
		const { wantedVersion } = await tx.edgeServer.findUniqueOrThrow({
			where: { id },
			select: { wantedVersion: true }
		});
		return wantedVersion <= version;
	});
}

/** So many are looked at at once; the others have their turn as it comes. */
const LOOKS = 100;

/** Domains with a certificate that did not work until now may do so from this moment on. */
async function askForLooks(tx: Tx, edgeServerId: string): Promise<void> {
	const waiting = await tx.$queryRaw<{ id: string }[]>`
		SELECT own.id FROM custom_domains own
		JOIN edge_certificates certificate ON certificate.custom_domain_id = own.id
		JOIN tenant_deployments tenant ON tenant.id = own.tenant_deployment_id
		JOIN base_domains base ON base.id = tenant.base_domain_id
		WHERE base.edge_server_id = ${edgeServerId}::uuid AND own.driver = 'edge' AND certificate.chain IS NOT NULL
			AND own.verification_status IN ('pending', 'verifying', 'error')
		ORDER BY own.id DESC LIMIT ${LOOKS}`;
	for (const { id } of waiting)
		await enqueue(tx, 'domains.check', { domainId: id, when: 'now' }, { key: id, priority: 10 });
}

defineJob({
	name: 'domains.edge-converge',
	payload: z.object({ edgeServerId: z.uuid(), look: z.boolean().optional() }),
	run: async ({ edgeServerId, look }) => {
		const server = await db.edgeServer.findUnique({
			where: { id: edgeServerId },
			select: { wantedVersion: true, appliedVersion: true }
		});
		if (server && (look || server.appliedVersion < server.wantedVersion))
			await convergeEdge(edgeServerId);
	},
	concurrency: 2,
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 1, retryDelayMax: 30 }
});

defineJob({
	name: 'domains.edge-converge-all',
	payload: z.object({}),
	run: async () => {
		for (const { id } of await db.edgeServer.findMany({ select: { id: true } }))
			await enqueue(db, 'domains.edge-converge', { edgeServerId: id, look: true }, { key: id });
	},
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
