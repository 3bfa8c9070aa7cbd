import type { Tx } from '#lib/core/db.server.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { stepNote } from './stepMessages.ts';
import { setupSpeed } from './speed.server.ts';
import { latestRuns } from './tenantView.server.ts';
import { countAhead } from './turns.server.ts';

/** One step as people who wait see it. */
export interface StepProgress {
	name: string;
	status: 'pending' | 'running' | 'done' | 'failed' | 'skipped' | 'undone';
	seconds: number | null;
	/** How long it usually takes; null when we do not know yet. */
	usualSeconds: number | null;
	/** Why it takes longer than people expect, in the language of the request; null when there is nothing to say. */
	note: string | null;
}

export interface SetupProgress {
	/** State of the tenant. */
	status: string;
	/** Of the run; null before it begins. */
	runStatus: string | null;
	startedAt: Date | null;
	finishedAt: Date | null;
	usualSeconds: number | null;
	steps: StepProgress[];
	url: string;
	slug: string;
	/** How many paid before and still wait for room; null when it does not wait. */
	ahead: number | null;
}

const UNFINISHED: ReadonlySet<string> = new Set(['pending', 'running']);

/** Where the set-up of a tenant stands. The caller has proved that the viewer may see this tenant. */
export async function setupProgress(tx: Tx, tenantId: string): Promise<SetupProgress> {
	const tenant = await tx.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: {
			id: true,
			slug: true,
			status: true,
			isolation: true,
			queuedAt: true,
			baseDomain: { select: { name: true } }
		}
	});
	const run = (await latestRuns(tx, [tenantId])).get(tenantId);
	const usual = await setupSpeed(tx);
	return {
		status: tenant.status,
		runStatus: run?.status ?? null,
		startedAt: run?.createdAt ?? null,
		finishedAt: run?.finishedAt ?? null,
		usualSeconds: usual?.seconds ?? null,
		steps: (run?.steps ?? []).map((step) => ({
			name: step.name,
			status: step.status,
			seconds:
				step.startedAt && step.finishedAt
					? (step.finishedAt.getTime() - step.startedAt.getTime()) / 1000
					: null,
			usualSeconds: usual?.steps.find(({ name }) => name === step.name)?.seconds ?? null,
			note: UNFINISHED.has(step.status) ? stepNote(step.message) : null
		})),
		url: publicUrl(tenant.slug, tenant.baseDomain.name),
		slug: tenant.slug,
		ahead: tenant.status === 'waiting_capacity' ? await countAhead(tx, tenant) : null
	};
}
