/**
 * The process entry, which the build leaves at build/main.js: serves the built application, hands WebSocket upgrades to
 * the hub and ends in good order. The application itself (database, hub, worker) lives inside the bundle and is reached
 * through two functions that its `init` hook leaves on globalThis, because importing them here would load every module a
 * second time.
 */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

// A container gets 30 seconds from its orchestrator; the last ones belong to the application's own shutdown.
const DRAIN_MS = 20_000;

process.env.NODE_ENV = 'production';
// The largest form with a file; everything else is refused at a quarter of it, see src/lib/identity/admission.server.ts.
process.env.BODY_SIZE_LIMIT ??= '2200K';
const { handler }: { handler: RequestListener } = await import(
	new URL('../build/handler.js', import.meta.url).href
).catch((error: unknown) => {
	// What is wrong with the environment is a list for whoever starts this; where it was found helps nobody.
	const wrong = error instanceof Error && error.name === 'EnvError';
	process.stderr.write(
		`${wrong ? error.message : (error instanceof Error && error.stack) || String(error)}\n`
	);
	process.exit(1);
});

let open = 0;
let stopping = false;

const server = createServer((request, response) => {
	open += 1;
	response.once('close', () => {
		open -= 1;
	});
	if (stopping) response.setHeader('connection', 'close');
	handler(request, response);
});

server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
	const upgrade: unknown = Reflect.get(globalThis, Symbol.for('erp-core.upgrade'));
	if (stopping || typeof upgrade !== 'function') socket.destroy();
	else upgrade(request, socket, head);
});

server.on('error', (error) => {
	process.stderr.write(`${error.message}\n`);
	process.exit(1);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());

server.listen(Number(process.env.PORT || 4443), process.env.HOST || '0.0.0.0');

/** Accepts nothing new, lets running requests finish, closes what the application holds, ends. */
async function stop(): Promise<void> {
	if (stopping) return;
	stopping = true;
	// Open WebSockets keep the server from ever reporting that it is closed, so requests are counted instead.
	server.close();
	server.closeIdleConnections();
	const deadline = Date.now() + DRAIN_MS;
	while (open > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 25));
	const shutdown: unknown = Reflect.get(globalThis, Symbol.for('erp-core.shutdown'));
	if (typeof shutdown === 'function') await shutdown();
	server.closeAllConnections();
	process.exit(0);
}
