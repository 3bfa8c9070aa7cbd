import { commandFailed, type ServiceState, type Tools } from './cloudflared.server.ts';
import { CloudflaredError } from './errors.ts';

/** How long a command may take that waits for connections to Cloudflare and for requests under way. */
const SERVICE_MS = 120_000;
/** The second process ends by itself when nobody is left to end it. */
const HANDOVER_SECONDS = 600;

export type Applying = ReturnType<typeof applying>;

/**
 * How cloudflared is made to read its file. It neither watches the file nor knows a signal to read it again, and a
 * restart leaves the tunnel without connections for as long as requests under way are let end. So a second process is
 * started first, with the new file: only when that is connected, the service restarts, and then the second one ends.
 * See docs/decisions/019.
 */
export function applying({ config, exec, state, isUnread }: Tools) {
	const handover = `${config.unit}-handover`;

	const systemctl = (verb: string, unit: string) =>
		exec(['systemctl', verb, '--', unit], { timeoutMs: SERVICE_MS, changes: true });

	/** Ends what an earlier run may have left, too. */
	const endHandover = async (): Promise<void> => {
		const argv = ['systemctl', 'stop', '--', handover];
		const result = await systemctl('stop', handover);
		// 5: there is none.
		if (result.code !== 0 && result.code !== 5)
			throw commandFailed('cloudflared.apply', argv, result);
	};

	/** @throws {CloudflaredError} refused, with cloudflared's own sentence */
	const validate = async (path: string): Promise<void> => {
		const argv = ['cloudflared', 'tunnel', '--config', path, 'ingress', 'validate'];
		const result = await exec(argv, { timeoutMs: 30_000, changes: false });
		if (result.code === 0) return;
		const failure = commandFailed('cloudflared.validate', argv, result);
		if (failure.kind === 'not_installed') throw failure;
		throw new CloudflaredError({
			operation: 'cloudflared.validate',
			kind: 'refused',
			message: `cloudflared refuses the file: ${(result.stderr.trim() || result.stdout.trim()).slice(0, 400)}`
		});
	};

	/** Starts the second process. False where it was not needed: the service does not run anyway. */
	const begin = async (path: string, before: ServiceState): Promise<boolean> => {
		if (before.state !== 'active') return false;
		await endHandover();
		const argv = [
			'systemd-run',
			`--unit=${handover}`,
			'--quiet',
			'--collect',
			'--service-type=notify',
			'--property=TimeoutStartSec=60',
			`--property=RuntimeMaxSec=${HANDOVER_SECONDS}`,
			'--',
			'cloudflared',
			'tunnel',
			'--config',
			path,
			'--no-autoupdate',
			// The port in the file is the service's.
			'--metrics',
			'127.0.0.1:0',
			'run'
		];
		const result = await exec(argv, { timeoutMs: SERVICE_MS, changes: true });
		if (result.code === 0) return true;
		throw new CloudflaredError({
			operation: 'cloudflared.apply',
			kind: 'not_started',
			message:
				`cloudflared does not come up with the new file, and goes on with the old one. ${await lastWords(handover)}`.trim()
		});
	};

	/** Restarts the service. @returns whether it runs and has read the file */
	const restart = async (): Promise<boolean> => {
		await systemctl('restart', config.unit);
		return isInForce(await state());
	};

	const lastWords = async (unit: string): Promise<string> => {
		const argv = ['journalctl', `--unit=${unit}`, '--lines=20', '--output=cat', '--no-pager'];
		const result = await exec(argv, { timeoutMs: 15_000, changes: false });
		const lines = result.code === 0 ? result.stdout.trim().split('\n') : [];
		return (lines.findLast((line) => /\bERR\b|error/i.test(line)) ?? '').slice(0, 300);
	};

	/** @throws {CloudflaredError} down: with what cloudflared said last */
	const down = async (why: string): Promise<never> => {
		throw new CloudflaredError({
			operation: 'cloudflared.apply',
			kind: 'down',
			message: `${why} ${await lastWords(config.unit)}`.trim(),
			retryable: true
		});
	};

	const isInForce = async (now: ServiceState) => now.state === 'active' && !(await isUnread(now));
	return {
		validate,
		begin,
		restart,
		endHandover,
		down,
		lastWords: () => lastWords(config.unit),
		hasHandover: async (): Promise<boolean> => {
			const argv = ['systemctl', 'is-active', '--', handover];
			return (await exec(argv, { timeoutMs: 15_000, changes: false })).code === 0;
		},
		settle: async (): Promise<void> => {
			const before = await state();
			if (!(await isInForce(before))) {
				await validate(config.path);
				await begin(config.path, before);
				if (!(await restart())) await down('cloudflared does not come up.');
			}
			await endHandover();
		}
	};
}
