import { afterAll } from 'vitest';
import { vendorEnvironment } from '../../src/cli/environment.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

/**
 * Starts the outside world for this test file, on free ports, in memory, without simulated latency, and points the
 * product's environment at it: `const sandbox = await testSandbox();` at the top of the file.
 * @param options appUrl: where Stripe's webhooks go
 */
export async function testSandbox(options: { appUrl?: string } = {}): Promise<Sandbox> {
	const sandbox = await startSandbox({ dataDir: null, speed: 0, basePort: 0, ...options });
	Object.assign(process.env, vendorEnvironment(sandbox.vendors));
	afterAll(() => sandbox.close());
	return sandbox;
}
