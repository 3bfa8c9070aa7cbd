import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { compensateSaga, retrySaga, startSaga } from '#lib/core/saga.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { reserveBare } from '../placement/reserveBare.server.ts';
import { buildTemplateSaga } from './buildTemplate.server.ts';
import type { BuildInput } from './templateForms.ts';

/**
 * Takes the place of a template that is to be built, VMID and address included, and begins its build.
 * @returns the template's id
 * @throws {AppError} BAD_INPUT beside the node when it is not online or has no room
 */
export async function requestBuild(tx: Tx, input: BuildInput, by: Actor): Promise<string> {
	const odooVersion = `${input.odoo_version}.0`;
	const container = await reserveBare(tx, input, {
		purpose: 'template',
		hostname: (vmid) => `tpl-odoo-${input.odoo_version}-${vmid}`,
		odooVersion,
		// A template never runs.
		wantedRunning: false
	});
	const { clusterId, vmid, nodeName } = container;
	const isGit = input.source === 'git';
	const template = await tx.template.create({
		data: {
			clusterId,
			containerId: container.id,
			odooVersion,
			kind: input.kind,
			packagesPath: isGit ? null : input.packages_path,
			gitUrl: isGit ? input.git_url : null,
			gitRef: isGit ? input.git_ref : null,
			image: input.image,
			byId: by.id,
			byLabel: by.label
		}
	});
	const jobId = await startSaga(tx, buildTemplateSaga, {
		subjectId: template.id,
		customerId: null,
		state: {}
	});
	await tx.container.update({ where: { id: container.id }, data: { createdByJobId: jobId } });
	await tx.template.update({ where: { id: template.id }, data: { jobId } });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.template-build',
		subject: { type: 'template', id: template.id },
		after: { vmid, node: nodeName, odooVersion, kind: input.kind, source: input.source }
	});
	await publish(tx, 'staff:templates', template.id);
	return template.id;
}

/** Takes a build that failed up again where it failed. @throws {AppError} WRONG_STATE when it has not */
export async function retryBuild(tx: Tx, templateId: string, by: Actor): Promise<void> {
	const { jobId } = await withRun(tx, templateId);
	await retrySaga(tx, jobId);
	await noted(tx, templateId, by, 'template-retry');
}

/** Gives a build that failed up: what it made is taken away. @throws {AppError} WRONG_STATE when it has not failed */
export async function giveUpBuild(tx: Tx, templateId: string, by: Actor): Promise<void> {
	const { jobId } = await withRun(tx, templateId);
	await compensateSaga(tx, jobId, `given up by ${by.label}`);
	await noted(tx, templateId, by, 'template-give-up');
}

async function withRun(tx: Tx, id: string): Promise<{ jobId: string }> {
	const template = await tx.template.findUnique({ where: { id }, select: { jobId: true } });
	if (!template?.jobId) throw new AppError('NOT_FOUND');
	return { jobId: template.jobId };
}

async function noted(tx: Tx, templateId: string, by: Actor, verb: string): Promise<void> {
	await audit(tx, {
		actor: by,
		action: `infrastructure.${verb}`,
		subject: { type: 'template', id: templateId }
	});
}
