import type { Step } from '#lib/core/saga.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { ExecOptions, SshClient } from '#lib/integrations/ssh/ssh.server.ts';
import type { Template } from '#prisma/generated/client.ts';
import { recorderOf } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { buildOf, patiently, started } from './buildContainer.server.ts';
import type { BuildContext, BuildState } from './buildState.ts';
import { SETUP_SCRIPT } from './setupScript.server.ts';
import type { SetupStep } from './setupSteps.ts';

/** Where the sources lie inside while they are taken over; `clean` empties the folder. */
const SOURCES = '/var/tmp/odoo-sources';
const MINUTE = 60_000;
/** What downloads, compiles or initialises databases takes its time. */
const LONG: Partial<Record<SetupStep, number>> = {
	base: 20 * MINUTE,
	postgresql: 20 * MINUTE,
	wkhtmltopdf: 20 * MINUTE,
	sources: 30 * MINUTE,
	python: 45 * MINUTE,
	databases: 45 * MINUTE
};
/** Lines are stored together when this time is over: a line each would be a thousand writes. */
const GATHER_MS = 1_000;

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
			patiently(context, async () => {
				const { template, target } = await buildOf(context.subjectId);
				const wait = await started(context, target);
				if (wait) return wait;
				const shared = await sshOn(target.nodeId);
				try {
					if (name === 'sources' && template.packagesPath)
						await pushSources(context, shared.client, target.vmid, template.packagesPath);
					await runInside(context, shared.client, target.vmid, name, template);
				} finally {
					shared.release();
				}
			})
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

async function runInside(
	context: BuildContext,
	client: SshClient,
	vmid: number,
	name: SetupStep,
	template: Template
): Promise<void> {
	const words = [name, ...optionsOf(template)];
	const lines = gather(context);
	try {
		const options: ExecOptions = {
			stdin: SETUP_SCRIPT,
			timeoutMs: LONG[name] ?? 10 * MINUTE,
			onOutput: lines.hear,
			call: null
		};
		const request = { step: name, options: words.slice(1) };
		await recorded(context, `setup.${name}`, vmid, request, () =>
			client.pctExec(vmid, ['bash', '-s', '--', ...words], options)
		);
	} finally {
		await lines.end();
	}
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

/** A recorded command that must end with 0. @throws {VendorError} with the last that it said */
function recorded(
	context: BuildContext,
	operation: string,
	vmid: number,
	request: object,
	send: () => Promise<{ code: number; stdout: string; stderr: string }>
): Promise<void> {
	const call = { vendor: 'ssh', operation, changes: true, key: String(vmid), request };
	return recorderOf(context.trace)(call, async () => {
		const { code, stdout, stderr } = await send();
		if (code === 0) return;
		const said = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
		const why =
			said.findLast((line) => /^(setup_odoo_lxc|E|ERROR|error)\b/.test(line)) ?? said.at(-1);
		throw new VendorError({
			vendor: 'setup_odoo_lxc',
			operation,
			code: String(code),
			message: (why ?? `exit code ${code}`).slice(0, 500),
			retryable: true
		});
	});
}

/** Stores what the script says while it runs, so that the page shows it as it comes. */
function gather(context: BuildContext) {
	let rest = '';
	let lines: string[] = [];
	let timer: NodeJS.Timeout | null = null;
	let written: Promise<unknown> = Promise.resolve();
	const flush = () => {
		timer = null;
		if (lines.length === 0) return;
		const text = lines.join('\n');
		lines = [];
		written = written
			.then(() => context.log('info', text))
			.then(() => context.write((tx) => publish(tx, `template:${context.subjectId}`)))
			// A log that cannot be written must not end the step; a lost claim shows at its end.
			.catch(() => undefined);
	};
	return {
		hear: (text: string) => {
			const parts = (rest + text).split(/\r?\n/);
			rest = (parts.pop() ?? '').slice(-2_000);
			lines.push(...parts.filter((line) => line.trim() !== '').map((line) => line.slice(0, 500)));
			timer ??= setTimeout(flush, GATHER_MS);
		},
		end: async () => {
			if (timer) clearTimeout(timer);
			if (rest.trim() !== '') lines.push(rest.slice(0, 500));
			flush();
			await written;
		}
	};
}
