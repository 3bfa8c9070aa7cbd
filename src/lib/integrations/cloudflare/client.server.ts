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

export interface CloudflareConfig {
	apiToken: string;
	/** With `/client/v4`; Cloudflare's own by default. */
	baseUrl?: string;
	accountId: string;
	/** Of one attempt; 20 seconds by default. */
	timeoutMs?: number;
}

const BASE_URL = 'https://api.cloudflare.com/client/v4';

/** The official SDK with the resources that we use. */
export function connect({ apiToken, baseUrl = BASE_URL }: CloudflareConfig) {
	return createClient({
		apiToken,
		// The SDK would read these from the environment and send them along.
		apiKey: null,
		apiEmail: null,
		userServiceKey: null,
		logLevel: 'off',
		baseURL: baseUrl,
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

export type CloudflareClient = ReturnType<typeof connect>;
