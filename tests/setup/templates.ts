import { afterEach, beforeEach } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { patience } from '#lib/infrastructure/containers/bare.server.ts';
import { requestBuild } from '#lib/infrastructure/templates/requestBuild.server.ts';
import { buildForm, type BuildInput } from '#lib/infrastructure/templates/templateForms.ts';
import '#lib/infrastructure/templates/templateJobs.server.ts';
import { testContainers } from './containers.ts';
import { eventually } from './queue.ts';

type Changes = Partial<Record<keyof BuildInput, string>>;

export const staff = { kind: 'staff', id: null, label: 'ana@jeturing.com' } as const;

/** The sandbox's cluster enrolled, and a worker that builds templates without waiting long for anything. */
export async function testTemplates() {
	const world = await testContainers({ work: true });
	Object.assign(patience, { bootSeconds: 0.05, downSeconds: 0.5 });
	beforeEach(() => world.sandbox.kernel.calls.clear());
	afterEach(() => {
		world.sandbox.kernel.faults.clear();
		for (const { name } of world.pve.state.nodes) world.pve.setOnline(name, true);
	});
	return world;
}

/** What the form would give for a template on pve1. */
export async function input(changes: Changes = {}): Promise<BuildInput> {
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	return buildForm.parse({
		node_id: node.id,
		odoo_version: '18',
		kind: 'all_in_one',
		source: 'packages',
		packages_path: '/var/lib/vz/odoo/odoo_18.0.latest.tar.gz',
		image: 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst',
		...changes
	});
}

/** Asks for a template; its id. */
export async function build(changes: Changes = {}): Promise<string> {
	const wanted = await input(changes);
	return transaction((tx) => requestBuild(tx, wanted, staff));
}

export function templateOf(id: string) {
	return db.template.findUniqueOrThrow({ where: { id }, include: { container: true } });
}

/** The template once its build has got there. */
export function until(id: string, status: string) {
	return eventually(async () => {
		const template = await templateOf(id);
		const run = await db.provisioningJob.findUniqueOrThrow({ where: { id: template.jobId! } });
		const atRest = ['succeeded', 'failed', 'compensated'].includes(run.status);
		return template.status === status && atRest && template;
	}, 60);
}

export async function stepsOf(id: string) {
	const { jobId } = await templateOf(id);
	return db.provisioningStep.findMany({ where: { jobId: jobId! }, orderBy: { position: 'asc' } });
}
