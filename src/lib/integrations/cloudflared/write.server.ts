import type { Applying } from './apply.server.ts';
import { withRules, type FileRule } from './configFile.ts';
import type { Tools } from './cloudflared.server.ts';
import { CloudflaredError } from './errors.ts';

const BACKUPS = 10;
/** Beside the file, so that a move into its place is one step. */
const NEW = '.erpcore-new';
/** `config.yml.20261122T001500123Z.bak`: nobody else names backups so. */
const BACKUP = /^\.\d{8}T\d{9}Z\.bak$/;

/**
 * Replaces the rules of the file, in an order in which every interruption leaves a host that works and a next run that
 * ends in the same state: a new file beside the old one, checked by cloudflared and then by a second process that runs
 * with it; a backup; a move; a restart; reading back. What does not come up is put back.
 */
export function writing(tools: Tools, apply: Applying) {
	const { config, must, state, readText } = tools;

	return async (rules: FileRule[]): Promise<void> => {
		const path = (await must('cloudflared.write', ['realpath', '--', config.path])).trim();
		const text = await readText();
		const next = withRules(text, rules);
		const before = await state();
		await prepare(path, next);
		try {
			await apply.validate(`${path}${NEW}`);
			await apply.begin(`${path}${NEW}`, before);
		} catch (error) {
			await forget(path);
			throw error;
		}
		const backup = await keep(path, text);
		await must('cloudflared.write', ['mv', '-T', '--', `${path}${NEW}`, path], { changes: true });
		await must('cloudflared.write', ['sync', '--', path], { changes: true });
		if (!(await apply.restart())) await putBack(path, backup);
		await apply.endHandover();
		if ((await readText()) !== next) throw changed();
		await prune(path);
	};

	/** The new file, with owner and mode of the old one, and on the disk. */
	async function prepare(path: string, next: string): Promise<void> {
		const fresh = `${path}${NEW}`;
		await must('cloudflared.write', ['cp', '-p', '--', path, fresh], { changes: true });
		await must('cloudflared.write', ['tee', '--', fresh], { stdin: next, changes: true });
		await must('cloudflared.write', ['sync', '--', fresh], { changes: true });
		// A full disk may leave half of it, and half a list of rules can be valid.
		const there = await must('cloudflared.write', ['cat', '--', fresh]);
		if (there === next) return;
		await forget(path);
		throw new CloudflaredError({
			operation: 'cloudflared.write',
			kind: 'failed',
			message: 'The new file is not on the disk as it was sent'
		});
	}

	async function forget(path: string): Promise<void> {
		await must('cloudflared.write', ['rm', '-f', '--', `${path}${NEW}`], { changes: true });
	}

	/** @returns the path of the backup. @throws {CloudflaredError} changed, when it holds something else than was read */
	async function keep(path: string, text: string): Promise<string> {
		const at = (config.now?.() ?? new Date()).toISOString().replace(/[-:.]/g, '');
		const backup = `${path}.${at}.bak`;
		await must('cloudflared.write', ['cp', '-p', '--', path, backup], { changes: true });
		if ((await must('cloudflared.write', ['cat', '--', backup])) === text) return backup;
		await must('cloudflared.write', ['rm', '-f', '--', `${path}${NEW}`, backup], { changes: true });
		await apply.endHandover();
		throw changed();
	}

	/** The service did not come up with the new file, although a second process did. */
	async function putBack(path: string, backup: string): Promise<never> {
		const said = await apply.lastWords();
		const fresh = `${path}${NEW}`;
		await must('cloudflared.write', ['cp', '-p', '--', backup, fresh], { changes: true });
		await must('cloudflared.write', ['mv', '-T', '--', fresh, path], { changes: true });
		// While nothing else serves, the second process stays until it ends by itself.
		if (!(await apply.restart()))
			return apply.down('cloudflared comes up with neither the new file nor the old one.');
		await apply.endHandover();
		throw new CloudflaredError({
			operation: 'cloudflared.write',
			kind: 'not_started',
			message: `The service did not come up with the new file; the old one is back. ${said}`.trim()
		});
	}

	async function prune(path: string): Promise<void> {
		const folder = path.replace(/\/[^/]*$/, '') || '/';
		const names = await must('cloudflared.write', ['ls', '-1', '--', folder]);
		const file = path.slice(path.lastIndexOf('/') + 1);
		const ours = names
			.split('\n')
			.filter((name) => name.startsWith(`${file}.`) && BACKUP.test(name.slice(file.length)))
			.sort();
		const old = ours.slice(0, Math.max(0, ours.length - (config.backups ?? BACKUPS)));
		if (old.length === 0) return;
		const paths = old.map((name) => `${folder}/${name}`);
		await must('cloudflared.write', ['rm', '-f', '--', ...paths], { changes: true });
	}

	function changed(): CloudflaredError {
		return new CloudflaredError({
			operation: 'cloudflared.write',
			kind: 'changed',
			message: 'Somebody else wrote the file meanwhile',
			retryable: true
		});
	}
}
