import { BaseCustomHostnames } from 'cloudflare/resources/custom-hostnames/custom-hostnames';
import { BaseFallbackOrigin } from 'cloudflare/resources/custom-hostnames/fallback-origin';
import { BaseTokens as AccountTokens } from 'cloudflare/resources/accounts/tokens/tokens';
import { BaseRecords } from 'cloudflare/resources/dns/records';
import { BaseTokens as UserTokens } from 'cloudflare/resources/user/tokens/tokens';
import { BaseCloudflared } from 'cloudflare/resources/zero-trust/tunnels/cloudflared/cloudflared';
import { BaseConfigurations } from 'cloudflare/resources/zero-trust/tunnels/cloudflared/configurations';
import { BaseConnections } from 'cloudflare/resources/zero-trust/tunnels/cloudflared/connections';
import { BaseToken } from 'cloudflare/resources/zero-trust/tunnels/cloudflared/token';
import { BaseZones } from 'cloudflare/resources/zones/zones';
import { createClient } from 'cloudflare/tree-shakable';

/** What every HTTP request passes on its way out and back: the pages of a list and repeated reads each on their own. */
export interface Gate {
	/** Runs before a request leaves. When it throws, the request is not sent. */
	before(): Promise<void>;
	/** Sees every answer, whatever its status. It must not throw: the answer is what the caller asked for. */
	after(response: { status: number; headers: Headers }): Promise<void>;
}

/** A gate kept the request here. What it threw is in `reason`, not in `cause`, whose words the SDK takes for a timeout. */
export class HeldBack extends Error {
	readonly reason: unknown;

	constructor(reason: unknown) {
		super('the request was held back');
		this.name = 'HeldBack';
		this.reason = reason;
	}
}

export interface CloudflareConfig {
	apiToken: string;
	/** With `/client/v4`; Cloudflare's own by default. */
	baseUrl?: string;
	accountId: string;
	/** Of one attempt; 20 seconds by default. */
	timeoutMs?: number;
	gate?: Gate;
}

const BASE_URL = 'https://api.cloudflare.com/client/v4';

/** The official SDK with the resources that we use. */
export function connect({ apiToken, baseUrl = BASE_URL, gate }: CloudflareConfig) {
	return createClient({
		apiToken,
		// The SDK would read these from the environment and send them along.
		apiKey: null,
		apiEmail: null,
		userServiceKey: null,
		logLevel: 'off',
		baseURL: baseUrl,
		...(gate && { fetch: through(gate) }),
		resources: [
			BaseZones,
			BaseRecords,
			BaseCloudflared,
			BaseConfigurations,
			BaseConnections,
			BaseToken,
			BaseCustomHostnames,
			BaseFallbackOrigin,
			UserTokens,
			AccountTokens
		]
	});
}

function through(gate: Gate): typeof fetch {
	return async (input, init) => {
		try {
			await gate.before();
		} catch (error) {
			throw new HeldBack(error);
		}
		const response = await fetch(input, init);
		await gate.after(response);
		return response;
	};
}

export type CloudflareClient = ReturnType<typeof connect>;
