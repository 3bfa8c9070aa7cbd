import type { CallRecorder } from '../record.ts';
import { readConfigFile, type ConfigFile, type FileRule } from './configFile.ts';
import { CloudflaredError } from './errors.ts';
import { journalArgv, readJournal, type JournalLine } from './journal.ts';
import { applying } from './apply.server.ts';
import { writing } from './write.server.ts';

/** Runs a command where cloudflared is: on a node, or inside a container of it. Throws what its way there throws. */
export type HostExec = (
	argv: string[],
	options?: { stdin?: string; timeoutMs?: number; changes?: boolean }
) => Promise<{ code: number; stdout: string; stderr: string }>;

export interface CloudflaredConfig {
	/** systemd unit, without `.service`. */
	unit: string;
	/** Absolute path of config.yml. */
	path: string;
	/** Backups of ours that are kept; 10 by default. */
	backups?: number;
	/** For the names of backups; the clock by default. */
	now?: () => Date;
}

/** How things stand with the service and its file. */
export interface ServiceState {
	/** systemd's word: `active`, `inactive`, `failed`, `activating` … */
	state: string;
	/** When the last process was started, milliseconds since the epoch; null when none was. */
	startedMs: number | null;
}

export interface FileSeen extends ConfigFile {
	/** systemd's word for the service. */
	state: string;
	/** The service runs, and has read the file as it is. */
	isInForce: boolean;
	/** A second process of a write runs beside it. */
	hasHandover: boolean;
}

/** What the parts of the client share. */
export interface Tools {
	config: CloudflaredConfig;
	/** A command that must succeed. @throws {CloudflaredError} not_installed, failed */
	must(operation: string, argv: string[], options?: CommandOptions): Promise<string>;
	exec: HostExec;
	state(): Promise<ServiceState>;
	readText(): Promise<string>;
	/** The file says something that the process has not read. */
	isUnread(state: ServiceState): Promise<boolean>;
}

export interface CommandOptions {
	stdin?: string;
	timeoutMs?: number;
	changes?: boolean;
}

const READ_MS = 15_000;

/**
 * cloudflared on one host, through commands: everything is an argument vector, data goes on stdin, and success is what
 * is read back.
 * @throws {CloudflaredError} from every function, or what `exec` throws
 */
export function cloudflared(config: CloudflaredConfig, exec: HostExec, record: CallRecorder) {
	const must: Tools['must'] = async (operation, argv, options = {}) => {
		const result = await exec(argv, { timeoutMs: READ_MS, changes: false, ...options });
		if (result.code === 0) return result.stdout;
		throw commandFailed(operation, argv, result);
	};
	const state = async (): Promise<ServiceState> => {
		const text = await must('cloudflared.state', showArgv(config.unit));
		const facts = new Map(text.split('\n').map((line) => splitOnce(line, '=')));
		if (facts.get('LoadState') !== 'loaded')
			throw new CloudflaredError({
				operation: 'cloudflared.state',
				kind: 'no_unit',
				message: `There is no service ${config.unit}`
			});
		const started = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)/.exec(
			facts.get('ExecMainStartTimestamp') ?? ''
		);
		return {
			state: facts.get('ActiveState') ?? '',
			startedMs: started ? Date.parse(`${started[1]}T${started[2]}Z`) : null
		};
	};
	const readText = async (): Promise<string> => {
		const argv = ['cat', '--', config.path];
		const result = await exec(argv, { timeoutMs: READ_MS, changes: false });
		if (result.code === 0) return result.stdout;
		if (!/No such file/i.test(result.stderr)) throw commandFailed('cloudflared.read', argv, result);
		throw new CloudflaredError({
			operation: 'cloudflared.read',
			kind: 'no_config',
			message: `There is no file ${config.path}`
		});
	};
	const isUnread = async ({ startedMs }: ServiceState): Promise<boolean> => {
		// The time of the last change of content or name: a move into place keeps the one of writing.
		const text = await must('cloudflared.stat', ['stat', '-L', '--format=%.6Z', '--', config.path]);
		const changed = Number(text.trim()) * 1000;
		if (!(changed > 0))
			throw new CloudflaredError({
				operation: 'cloudflared.stat',
				kind: 'malformed',
				message: `stat said ${text.slice(0, 100)}`
			});
		return startedMs === null || startedMs < Math.floor(changed);
	};
	const tools: Tools = { config, must, exec, state, readText, isUnread };
	const call = <T>(operation: string, changes: boolean, request: unknown, send: () => Promise<T>) =>
		record({ vendor: 'cloudflared', operation, changes, key: config.unit, request }, send);
	const apply = applying(tools);

	return {
		/** `2026.10.1` */
		version: () =>
			call('cloudflared.version', false, {}, async () => {
				const text = await must('cloudflared.version', ['cloudflared', '--version']);
				const version = /version (\S+)/.exec(text)?.[1];
				if (version) return version;
				throw new CloudflaredError({
					operation: 'cloudflared.version',
					kind: 'malformed',
					message: `cloudflared said ${text.slice(0, 100)}`
				});
			}),
		state: () => call('cloudflared.state', false, {}, state),
		/** The file, and how the processes stand to it. */
		read: () =>
			call('cloudflared.read', false, {}, async (): Promise<FileSeen> => {
				const [text, now, hasHandover] = await Promise.all([
					readText(),
					state(),
					apply.hasHandover()
				]);
				const isInForce = now.state === 'active' && !(await isUnread(now));
				return { ...readConfigFile(text), state: now.state, isInForce, hasHandover };
			}),
		/** Replaces the rules and keeps the rest; see `write.server.ts`. @throws {CloudflaredError} refused, not_started, down, changed */
		write: (rules: FileRule[]) =>
			call('cloudflared.write', true, { path: config.path, rules }, () =>
				writing(tools, apply)(rules)
			),
		/**
		 * Has cloudflared read a file that stands there unread, as an interrupted write leaves it. It keeps what it has where
		 * the file does not do.
		 */
		settle: () =>
			call('cloudflared.apply', true, { path: config.path }, async () => {
				await apply.settle();
			}),
		/** Ends the second process of an interrupted write, where the service runs without it. */
		endHandover: () =>
			call('cloudflared.end-handover', true, {}, async () => {
				if ((await state()).state === 'active') await apply.endHandover();
			}),
		/** The last lines of the journal, oldest first. @param lines at most; @param after cursor: only later ones */
		journal: (lines: number, after: string | null = null) =>
			call('cloudflared.journal', false, {}, async (): Promise<JournalLine[]> => {
				const argv = journalArgv(config.unit, { lines, after, follow: false });
				return readJournal(await must('cloudflared.journal', argv));
			})
	};
}

export type CloudflaredClient = ReturnType<typeof cloudflared>;

/** In UTC with microseconds (systemd 247 and later), in English whatever the system speaks. */
function showArgv(unit: string): string[] {
	const facts = 'LoadState,ActiveState,SubState,ExecMainStartTimestamp';
	const show = ['systemctl', 'show', '--timestamp=us+utc', `--property=${facts}`, '--', unit];
	return ['env', 'LC_ALL=C', ...show];
}

function splitOnce(line: string, by: string): [string, string] {
	const at = line.indexOf(by);
	return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

/** What a command that failed means. */
export function commandFailed(
	operation: string,
	argv: string[],
	{ code, stdout, stderr }: { code: number; stdout: string; stderr: string }
): CloudflaredError {
	const program = argv[0] === 'env' ? 'systemctl' : (argv[0] ?? '');
	const said = (stderr.trim() || stdout.trim()).slice(0, 400);
	// 127 by a shell, 255 by pct when lxc-attach finds no such program.
	const isMissing = code === 127 || /Failed to exec|command not found/i.test(stderr);
	return new CloudflaredError({
		operation,
		kind: isMissing ? 'not_installed' : 'failed',
		message: isMissing ? `There is no ${program} there` : `${program} ended with ${code}: ${said}`,
		code: String(code)
	});
}
