/**
 * Outlives its parent by a few seconds: reads `+<pid> <signal>` and `-<pid>` from stdin and, when the pipe closes because
 * the parent ended in whatever way (SIGKILL included), stops every process that is still on the list, last started first.
 * It sits in a session of its own, so that Ctrl-C reaches only the parent, which then stops its children in order.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** @type {Map<number, NodeJS.Signals>} */
const kept = new Map();

createInterface({ input: process.stdin })
	.on('line', (line) => {
		const [target = '', signal = 'SIGTERM'] = line.split(' ');
		const pid = Number(target.slice(1));
		if (target.startsWith('+')) kept.set(pid, /** @type {NodeJS.Signals} */ (signal));
		else kept.delete(pid);
	})
	.on('close', () => void stopAll());

async function stopAll() {
	for (const [pid, signal] of [...kept].reverse()) {
		send(pid, signal);
		for (let waited = 0; waited < 10_000 && isRunning(pid); waited += 50) await sleep(50);
		send(pid, 'SIGKILL');
	}
	process.exit(0);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether the process was there
 */
function send(pid, signal) {
	try {
		process.kill(pid, signal);
		return true;
	} catch {
		// Gone already, which is what we want.
		return false;
	}
}

/**
 * In a container without an init nobody collects the dead, and a signal still finds them.
 * @param {number} pid
 */
function isRunning(pid) {
	if (!send(pid, 0)) return false;
	try {
		return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		// No /proc on this system: the signal's word counts.
		return true;
	}
}
