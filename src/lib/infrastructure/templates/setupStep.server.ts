import type { Step } from '#lib/core/saga.server.ts';
import type { SshClient } from '#lib/integrations/ssh/ssh.server.ts';
import type { Template } from '#prisma/generated/client.ts';
import { patiently } from '../containers/bare.server.ts';
import { recorded, runSetup } from '../containers/setupRun.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { buildOf, startedAgain } from './buildContainer.server.ts';
import type { BuildContext, BuildState } from './buildState.ts';
import type { SetupStep } from './setupSteps.ts';

/** Where the sources lie inside while they are taken over; `clean` empties the folder. */
const SOURCES = '/var/tmp/odoo-sources';
const MINUTE = 60_000;

/**
 * One step of setup_odoo_lxc inside the container. It may run any number of times; two of them wait for each other
 * inside, so that one whose worker died does no harm to the next.
 */
export function setupStep(name: SetupStep): Step<BuildState> {
	return {
		name,
		// A mirror may be away for a moment; sources of another version stay that.
		attempts: 3,
		run: (context) =>
			patiently(
				context,
				async () => (await buildOf(context.subjectId)).target,
				async () => {
					const { template, target } = await buildOf(context.subjectId);
					const wait = await startedAgain(context, target);
					if (wait) return wait;
					const shared = await sshOn(target.nodeId);
					try {
						if (name === 'sources' && template.packagesPath)
							await pushSources(context, shared.client, target.vmid, template.packagesPath);
						await runSetup(context, shared.client, {
							...{ vmid: target.vmid, step: name, options: optionsOf(template) },
							topic: `template:${context.subjectId}`
						});
					} finally {
						shared.release();
					}
				}
			)
	};
}

async function pushSources(
	context: BuildContext,
	client: SshClient,
	vmid: number,
	path: string
): Promise<void> {
	const argv = ['pct', 'push', String(vmid), path, SOURCES];
	const request = { path, to: SOURCES };
	await recorded(context, 'pct.push', vmid, request, () =>
		client.exec(argv, { timeoutMs: 15 * MINUTE, call: null })
	);
}

/** What the script is told; nothing of it is secret. */
function optionsOf({ odooVersion, kind, packagesPath, gitUrl, gitRef }: Template): string[] {
	return [
		...['--version', String(Number.parseInt(odooVersion, 10)), '--kind', kind],
		...(packagesPath ? ['--archive', SOURCES] : []),
		...(gitUrl ? ['--git', gitUrl] : []),
		...(gitRef ? ['--ref', gitRef] : [])
	];
}
