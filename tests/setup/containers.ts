import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineSaga, startSaga, type StepResult } from '#lib/core/saga.server.ts';
import { detachedContext } from '#lib/core/sagaContext.server.ts';
import { tuning } from '#lib/core/sagaPatience.ts';
import '#lib/core/sagaRunner.server.ts';
import '#lib/infrastructure/pools/poolJobs.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import {
	destroyContainer,
	ensureContainer
} from '#lib/infrastructure/containers/containers.server.ts';
import {
	placementRules,
	releaseContainer,
	reserveContainer,
	type Place
} from '#lib/infrastructure/placement/placement.server.ts';
import type { Run } from '#lib/infrastructure/containers/progress.ts';
import { breakerPatience } from '#lib/infrastructure/nodes/breakerPatience.ts';
import { closeSsh } from '#lib/infrastructure/nodes/sshPool.server.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import { afterAll } from 'vitest';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import type { ContainerState } from '../../src/sandbox/proxmox/state.ts';
import { createUnplacedTenant, PRO } from '../factories/infrastructure.ts';
import { createWorld, surveyWorld } from '../factories/world.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';
import { testSandbox } from './sandbox.ts';

// Provisioning's job, which wakes who waits for room.
defineJob({ name: 'provisioning.capacity-appeared', payload: z.object({}), run: async () => {} });

/** The part of a tenant's set-up that infrastructure does: a place and a container. */
export const containerSaga = defineSaga({
	name: 'tests.container',
	topic: 'test',
	state: z.object({}),
	retryWindow: async () => 0,
	steps: [
		{
			name: 'container',
			run: async (context): Promise<StepResult> => {
				const { containerId } = await db.tenant.findUniqueOrThrow({
					where: { id: context.subjectId }
				});
				const progress = await ensureContainer(context, containerId!);
				const { node, vmid } = progress;
				if (progress.ready) return { message: { code: 'ready', params: { node, vmid } } };
				const { wait, reason } = progress;
				return { wait, reason, message: { code: reason, params: { node, vmid } } };
			},
			undo: async (context) => {
				const { containerId } = await db.tenant.findUniqueOrThrow({
					where: { id: context.subjectId }
				});
				await destroyContainer(context, containerId!, { tenantId: context.subjectId });
				await context.write((tx) =>
					releaseContainer(tx, containerId!, { tenantId: context.subjectId })
				);
			}
		}
	]
});

export interface Placed {
	tenantId: string;
	jobId: string;
	place: Place;
	run: Run;
}

/** A database, the outside world, and the sandbox's cluster enrolled in it. */
export async function testContainers(options: { work: boolean }) {
	await testDatabase();
	const sandbox = await testSandbox();
	await transaction(async (tx) =>
		createWorld(tx, sandbox.vendors, await surveyWorld(sandbox.vendors), 'http://127.0.0.1:9')
	);
	tuning.backoffScale = 0.001;
	breakerPatience.pauseMs = 50;
	await testQueue(options);
	afterAll(closeSsh);
	const cluster = clusterOf(sandbox.kernel);
	return {
		sandbox,
		/** The cluster's own view. */
		pve: cluster,
		/** What Proxmox has besides the template. */
		guests: (): ContainerState[] =>
			Object.values(cluster.state.containers).filter(({ config }) => !config.template),
		/** Changing calls that Proxmox answered, by `METHOD verb`. */
		changes: () =>
			sandbox.kernel.calls
				.list({ vendor: 'proxmox', match: '^(POST|PUT|DELETE)' })
				.map(({ line }) => line)
	};
}

/** A tenant with a reserved place, and the run that may make it real. */
export async function placeTenant(isolation: Isolation = 'dedicated'): Promise<Placed> {
	const tenant = await createUnplacedTenant(db, { isolation });
	const jobId = await transaction(async (tx) => {
		const about = { subjectId: tenant.id, customerId: tenant.customerId, state: {} };
		const id = await startSaga(tx, containerSaga, about);
		await tx.provisioningJob.update({ where: { id }, data: { status: 'running' } });
		// The test itself runs it: a worker that took it before there is a place would fail it, and take the place back.
		await tx.$executeRaw`DELETE FROM pgboss.job WHERE name = 'sagas.run' AND singleton_key = ${id}`;
		return id;
	});
	const place = await reserve(tenant, isolation, jobId);
	return { tenantId: tenant.id, jobId, place, run: await runOf(jobId) };
}

/** The context of a run, as a step of it gets it. */
export async function runOf(jobId: string): Promise<Run> {
	const job = await db.provisioningJob.findUniqueOrThrow({ where: { id: jobId } });
	return detachedContext(job, 'container');
}

export async function reserve(
	tenant: { id: string; slug: string },
	isolation: Isolation,
	jobId: string
): Promise<Place> {
	const rules = await placementRules();
	return transaction(async (tx) => {
		const place = await reserveContainer(tx, {
			...PRO,
			isolation,
			tenantId: tenant.id,
			jobId,
			hostname: tenant.slug,
			rules,
			taken: new Map()
		});
		if ('noRoom' in place) throw new Error(`no room: ${JSON.stringify(place.noRoom)}`);
		await tx.tenant.update({
			where: { id: tenant.id },
			data: { containerId: place.containerId, status: 'provisioning' }
		});
		return place;
	});
}
