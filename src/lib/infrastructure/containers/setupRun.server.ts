import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { ExecOptions, SshClient } from '#lib/integrations/ssh/ssh.server.ts';
import { recorderOf } from '../nodes/clients.server.ts';
import type { Run } from './progress.ts';

/** What a step of setup_odoo_lxc needs of the run that sends it. */
type SetupRun = Pick<Run, 'trace' | 'log' | 'write'>;

const MINUTE = 60_000;
/** What downloads, compiles or initialises databases takes its time. */
const LONG: Record<string, number> = {
	base: 20 * MINUTE,
	postgresql: 20 * MINUTE,
	wkhtmltopdf: 20 * MINUTE,
	sources: 30 * MINUTE,
	python: 45 * MINUTE,
	databases: 45 * MINUTE
};
/** Lines are stored together when this time is over: a line each would be a thousand writes. */
const GATHER_MS = 1_000;

export interface SetupCall {
	vmid: number;
	step: string;
	/** What the script is told; nothing of it is secret. */
	options: string[];
	/** What a role logs in with: it goes on stdin, where no process list and no record shows it. */
	password?: string;
	/** Heard by whoever watches: `template:<id>`. */
	topic: string;
}

/**
 * One step of setup_odoo_lxc inside a container, which may run any number of times: two wait for each other inside. What it
 * says is stored while it runs.
 * @throws {VendorError} with the last that it said
 */
export async function runSetup(context: SetupRun, client: SshClient, call: SetupCall) {
	const { vmid, step, options, password, topic } = call;
	// Only a build has the script's text: what runs as it is, such as the seed, imports this file and sends nothing.
	const { SETUP_SCRIPT } = await import('../templates/setupScript.server.ts');
	const lines = gather(context, topic);
	try {
		const sent: ExecOptions = {
			// Ours are letters and digits: nothing that a shell would read.
			stdin: password === undefined ? SETUP_SCRIPT : `PG_PASSWORD='${password}'\n${SETUP_SCRIPT}`,
			timeoutMs: LONG[step] ?? 10 * MINUTE,
			onOutput: lines.hear,
			call: null
		};
		await recorded(context, `setup.${step}`, vmid, { step, options }, () =>
			client.pctExec(vmid, ['bash', '-s', '--', step, ...options], sent)
		);
	} finally {
		await lines.end();
	}
}

/** A recorded command that must end with 0. @throws {VendorError} with the last that it said */
export function recorded(
	context: SetupRun,
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
function gather(context: SetupRun, topic: string) {
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
			.then(() => context.write((tx) => publish(tx, topic)))
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
