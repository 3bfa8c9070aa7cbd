import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

let keeper: ChildProcess | null = null;

/** Hands a process to the keeper, which stops it when this process ends without having done so. */
function keep(pid: number, signal: NodeJS.Signals): void {
	keeper ??= startKeeper();
	keeper.stdin?.write(`+${pid} ${signal}\n`);
}

function startKeeper(): ChildProcess {
	const child = spawn(process.execPath, [fileURLToPath(new URL('./keeper.js', import.meta.url))], {
		detached: true,
		stdio: ['pipe', 'ignore', 'ignore']
	});
	child.unref();
	// A pipe to a child is a socket at run time; it must not keep the parent alive.
	if (child.stdin && 'unref' in child.stdin && typeof child.stdin.unref === 'function') {
		child.stdin.unref();
	}
	return child;
}

export interface Running {
	readonly child: ChildProcess;
	readonly pid: number;
	/** Resolves with a sentence about how it ended. */
	readonly ended: Promise<string>;
	/** Sends the signal, waits, and after `patienceMs` kills. Safe to call twice. */
	stop(): Promise<void>;
}

export interface StartOptions extends SpawnOptions {
	/** What asks this program to end in good order. */
	stopSignal?: NodeJS.Signals;
	/** How long it may take for that, in milliseconds. */
	patienceMs?: number;
}

/**
 * Starts a child that never outlives us. It gets a session of its own: Ctrl-C in the terminal reaches only us.
 * @throws Error when the program cannot be started
 */
export async function startProcess(
	command: string,
	args: string[],
	{ stopSignal = 'SIGTERM', patienceMs = 10_000, ...options }: StartOptions = {}
): Promise<Running> {
	const child = spawn(command, args, { ...options, detached: true });
	await new Promise<void>((resolve, reject) => {
		child.once('spawn', resolve);
		child.once('error', reject);
	});
	const pid = child.pid;
	if (!pid) throw new Error(`${command} did not start`);
	keep(pid, stopSignal);
	const ended = new Promise<string>((resolve) => {
		child.once('exit', (code, signal) => {
			keeper?.stdin?.write(`-${pid}\n`);
			resolve(signal ? `ended by ${signal}` : `ended with code ${code}`);
		});
	});
	return {
		child,
		pid,
		ended,
		stop: async () => {
			if (child.exitCode !== null || child.signalCode !== null) return;
			child.kill(stopSignal);
			const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
			await ended;
			clearTimeout(late);
		}
	};
}

/** Whether nobody listens on this loopback port. */
export function portIsFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}

/** The first of `count` consecutive free loopback ports at or above `from`. */
export async function freePorts(from: number, count = 1): Promise<number> {
	for (let start = from; start < 65_000; start += count) {
		const checks = Array.from({ length: count }, (_, index) => portIsFree(start + index));
		if ((await Promise.all(checks)).every(Boolean)) return start;
	}
	throw new Error(`No ${count} free ports in a row above ${from}`);
}

/** Whether a process with this id runs. In a container without an init nobody collects the dead: those do not count. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		// Somebody else's process is alive too.
		return error instanceof Error && 'code' in error && error.code === 'EPERM';
	}
	try {
		return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		// No /proc on this system: the signal's word counts.
		return true;
	}
}
