import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../src/cli/build.ts';
import { demoFilePath } from '../../src/cli/demo-data.ts';
import { generateIfChanged } from '../../src/cli/generate.ts';
import { removePostgres } from '../../src/cli/postgres.ts';
import { freePorts } from '../../src/cli/processes.ts';
import { startStack } from '../../src/cli/stack.ts';

/** The built product with sandbox and database on free ports and a data folder of its own; gone afterwards. */
export default async function setup(): Promise<() => Promise<void>> {
	const dataDir = mkdtempSync(join(tmpdir(), 'erp-core-e2e-'));
	chmodSync(dataDir, 0o755);
	// Below the ports that the system gives to outgoing connections (32,768 and up).
	const random = () => 12_000 + Math.floor(Math.random() * 20_000);
	const generated = generateIfChanged();
	const built = generated.then(() => build());
	for (const work of [generated, built]) work.catch(() => undefined);
	const stack = await startStack({
		dataDir,
		port: await freePorts(random()),
		sandboxPort: await freePorts(random(), 12),
		app: 'built',
		speed: 0,
		durable: false,
		generated,
		built
	});
	process.env.E2E_DEMO_FILE = demoFilePath(dataDir);
	return async () => {
		await stack.stop();
		if (process.env.E2E_KEEP) return;
		removePostgres(join(dataDir, 'postgres'));
		rmSync(dataDir, { recursive: true, force: true });
	};
}
