import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request as send } from 'undici';
import { afterAll } from 'vitest';
import { receiveStripeEvent } from '#lib/billing/events.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { tuning } from '#lib/core/sagaPatience.ts';
import { keyAuthorization } from '#lib/domains/edge/acmeChallenge.server.ts';
import { breakerPatience } from '#lib/infrastructure/nodes/breakerPatience.ts';
import '#lib/jobs/registry.server.ts';
import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { createWorld, surveyWorld } from '../factories/world.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';
import { testSandbox } from './sandbox.ts';

export interface TestPlatform {
	sandbox: Sandbox;
	/** What a buyer, a bank or the outside does: `POST <stripe>/__sandbox/stripe<path>`. */
	stripe(path: string, body?: object): Promise<Record<string, unknown>>;
	fault(request: FaultRequest): void;
	/** What a browser sees under a public host, through the edge. */
	open(
		host: string,
		path: string
	): Promise<{ status: number; body: string; location: string | undefined }>;
}

/**
 * The whole platform in this process: a database of its own, the outside world, the worker, and a listener that takes
 * Stripe's webhooks as the application's route does.
 */
export async function testPlatform(
	options: {
		work?: boolean;
		/** The database is the caller's own, and the environment leads to it already. */
		ownDatabase?: boolean;
	} = {}
): Promise<TestPlatform> {
	if (!options.ownDatabase) await testDatabase();
	const webhooks = await listen();
	const appUrl = `http://127.0.0.1:${(webhooks.address() as AddressInfo).port}`;
	process.env.INTERNAL_URL = appUrl;
	const sandbox = await testSandbox({ appUrl });
	const survey = await surveyWorld(sandbox.vendors);
	await transaction((tx) => createWorld(tx, sandbox.vendors, survey, appUrl));
	await db.setting.create({
		data: { key: 'provisioning.retry_window_minutes', category: 'provisioning', value: 0 }
	});
	tuning.backoffScale = 0.001;
	breakerPatience.pauseMs = 200;
	await testQueue({ work: options.work ?? true });
	return {
		sandbox,
		stripe: async (path, body = {}) => {
			const response = await fetch(`${sandbox.vendors.stripe.url}/__sandbox/stripe${path}`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify(body)
			});
			const answer = (await response.json()) as Record<string, unknown>;
			if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
			return answer;
		},
		fault: (request) => void sandbox.kernel.faults.add(request),
		open: async (host, path) => {
			const { statusCode, headers, body } = await send(`${sandbox.vendors.edge}${path}`, {
				headers: { host }
			});
			const location = [headers.location].flat()[0];
			return { status: statusCode, body: await body.text(), location };
		}
	};
}

/** What the application answers for the hosts of tenants that the tunnels lead to it, and to certificate authorities. */
async function asTenantHost(request: IncomingMessage, response: ServerResponse): Promise<void> {
	// Holds a page: most tests never ask for it.
	const { answerForTenantHost } = await import('#lib/provisioning/offAir.server.ts');
	const host = request.headers.host ?? '';
	const token = /^\/\.well-known\/acme-challenge\/([^/]+)$/.exec(request.url ?? '')?.[1];
	const proof = token ? await keyAuthorization(token) : null;
	if (proof) return void response.end(proof);
	const asked = new Request(`http://${host}${request.url ?? '/'}`, { headers: { host } });
	const answer = await answerForTenantHost(asked, 'es');
	response.writeHead(answer?.status ?? 404, Object.fromEntries(answer?.headers ?? []));
	response.end(await answer?.text());
}

async function listen(): Promise<Server> {
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			if (request.url !== '/webhooks/stripe') return void asTenantHost(request, response);
			receiveStripeEvent(Buffer.concat(chunks), String(request.headers['stripe-signature'] ?? ''))
				.then(() => response.writeHead(200).end())
				.catch(() => response.writeHead(500).end());
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	afterAll(() => {
		server.closeAllConnections();
		server.close();
	});
	return server;
}
