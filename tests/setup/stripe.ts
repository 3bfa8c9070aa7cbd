import Stripe from 'stripe';
import { afterAll, beforeEach } from 'vitest';
import { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import { startStripe, type StripeServer } from '../../src/sandbox/stripe/server.ts';

export interface TestStripe {
	server: StripeServer;
	kernel: Kernel;
	/** The official SDK on the stand-in: what somebody does at Stripe beside us. */
	api: Stripe;
	/** What a buyer, a bank or the dashboard does: `POST /__sandbox/stripe<path>`. @throws when it is refused */
	control(path: string, body?: object): Promise<Record<string, unknown>>;
	/** Makes the next matching calls misbehave. */
	fault(request: Omit<FaultRequest, 'target'>): void;
	/** `METHOD /path` of every call since the last `forget`, in order. */
	calls(): string[];
	forget(): void;
}

/**
 * The Stripe stand-in in this process, without latency, and the environment that leads the product to it. Call it
 * before anything reads the environment. Faults end with each test.
 * @param options.appUrl origin that webhooks go to, at `/webhooks/stripe`; none are sent without it
 */
export async function testStripe(options: { appUrl?: string } = {}): Promise<TestStripe> {
	const kernel = new Kernel({ dataDir: null, speed: 0 });
	const server = await startStripe(kernel, { port: 0, ...options });
	process.env.STRIPE_API_URL = server.url;
	process.env.STRIPE_SECRET_KEY = server.key;
	process.env.STRIPE_WEBHOOK_SECRET = server.webhook_secret;
	beforeEach(() => kernel.faults.clear());
	afterAll(() => server.close());
	return {
		server,
		kernel,
		api: new Stripe(server.key, { host: '127.0.0.1', port: server.port, protocol: 'http' }),
		control: async (path, body = {}) => {
			const response = await fetch(`${server.url}/__sandbox/stripe${path}`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify(body)
			});
			const answer: unknown = await response.json();
			if (!response.ok || typeof answer !== 'object' || answer === null)
				throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
			return { ...answer };
		},
		fault: (request) => void kernel.faults.add({ target: 'stripe', ...request }),
		calls: () =>
			kernel.calls
				.list()
				.filter(({ vendor, line }) => vendor === 'stripe' && line.includes(' /v1/'))
				.map(({ line }) => line),
		forget: () => kernel.calls.clear()
	};
}
