import { startSandbox } from './sandbox.ts';

const DEFAULT_PORT = 4500;

/** The process: `SANDBOX_PORT`, `SANDBOX_DATA_DIR`, `SANDBOX_SPEED`, `APP_URL`, `APP_ENV`. */
async function main(): Promise<void> {
	const { env } = process;
	if (env.APP_ENV === 'production') {
		throw new Error(
			'The sandbox does not start with APP_ENV=production: it stands in for real services.'
		);
	}
	const sandbox = await startSandbox({
		dataDir: env.SANDBOX_DATA_DIR || null,
		speed: numberFrom('SANDBOX_SPEED', 0.1),
		basePort: numberFrom('SANDBOX_PORT', DEFAULT_PORT),
		appUrl: env.APP_URL || undefined
	});
	let ending = false;
	const end = (): void => {
		if (ending) return;
		ending = true;
		void sandbox.close().finally(() => process.exit(0));
	};
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
	process.on('disconnect', end);
	process.stdout.write(
		`${JSON.stringify({ ready: true, url: sandbox.url, vendors: sandbox.vendors })}\n`
	);
}

function numberFrom(name: string, usual: number): number {
	const text = process.env[name];
	if (!text) return usual;
	const value = Number(text);
	if (!Number.isFinite(value) || value < 0)
		throw new Error(`${name} must be a number, not "${text}".`);
	return value;
}

function sentence(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
		return `Port ${String(error.port)} is taken; stop what uses it or set SANDBOX_PORT to another.`;
	}
	return error.message;
}

main().catch((error: unknown) => {
	process.stderr.write(`${sentence(error)}\n`);
	process.exit(1);
});
