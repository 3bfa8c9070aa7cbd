import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePorts, isAlive, portIsFree, startProcess } from './processes.ts';

const forever = ['-e', 'setInterval(() => undefined, 1000)'];

test('stop() asks, and kills what does not listen', async () => {
	const deaf = await startProcess(
		process.execPath,
		[
			'-e',
			"process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); console.log('up')"
		],
		{ stdio: ['ignore', 'pipe', 'ignore'], patienceMs: 100 }
	);
	await new Promise((resolve) => deaf.child.stdout?.once('data', resolve));
	await deaf.stop();
	expect(await deaf.ended).toBe('ended by SIGKILL');
	const polite = await startProcess(process.execPath, forever, { stdio: 'ignore' });
	await polite.stop();
	expect(await polite.ended).toBe('ended by SIGTERM');
});

test('a child does not outlive a parent that was killed without a word', async () => {
	const module = fileURLToPath(new URL('./processes.ts', import.meta.url));
	const script = `import { startProcess } from ${JSON.stringify(module)};
		const { pid } = await startProcess(process.execPath, ${JSON.stringify(forever)}, { stdio: 'ignore' });
		console.log(pid);
		setInterval(() => undefined, 1000);`;
	const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
		stdio: ['ignore', 'pipe', 'inherit']
	});
	const pid = await new Promise<number>((resolve) => {
		createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line)));
	});
	expect(isAlive(pid)).toBe(true);
	parent.kill('SIGKILL');
	for (let tries = 0; tries < 200 && isAlive(pid); tries++) await sleep(25);
	expect(isAlive(pid)).toBe(false);
});

test('a taken port is seen, and a row of free ones skips it', async () => {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	const port = typeof address === 'object' && address ? address.port : 0;
	expect(await portIsFree(port)).toBe(false);
	expect(await freePorts(port, 1)).toBeGreaterThan(port);
	await new Promise((resolve) => server.close(resolve));
	expect(await portIsFree(port)).toBe(true);
});
