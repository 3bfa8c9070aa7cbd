/** What the sandbox says about its stand-ins when it is ready; also `vendors` in .data/demo.json. */
export interface Vendors {
	stripe: { url: string; key: string; webhook_secret: string };
	/** `url` ends in /client/v4. */
	cloudflare: {
		url: string;
		token: string;
		account_id: string;
		zone_id: string;
		tunnel_id: string;
	};
	/** What a browser reaches instead of the tenants' public addresses. */
	edge: string;
	/** `token` is `user@realm!id=secret`; `fingerprint` is that of the node's certificate. */
	proxmox: { url: string; token: string; node: string; fingerprint: string }[];
	ssh: {
		node: string;
		host: string;
		port: number;
		user: string;
		key_path: string;
		host_key: string;
	}[];
	dns: { host: string; port: number };
	smtp: { host: string; port: number };
	/** `directory` is the address of the certificate authority's directory. */
	acme: { directory: string };
}

/** The environment variables that point the product at these stand-ins instead of the real services. */
export function vendorEnvironment(vendors: Vendors): Record<string, string> {
	const { stripe, cloudflare, dns, smtp, ssh } = vendors;
	return {
		STRIPE_API_URL: stripe.url,
		STRIPE_SECRET_KEY: stripe.key,
		STRIPE_WEBHOOK_SECRET: stripe.webhook_secret,
		CLOUDFLARE_API_URL: cloudflare.url,
		CLOUDFLARE_API_TOKEN: cloudflare.token,
		CLOUDFLARE_ACCOUNT_ID: cloudflare.account_id,
		CLOUDFLARE_ZONE_ID: cloudflare.zone_id,
		CLOUDFLARE_TUNNEL_ID: cloudflare.tunnel_id,
		EDGE_URL: vendors.edge,
		PUBLIC_DNS_SERVERS: `${dns.host}:${dns.port}`,
		PUBLIC_DNS_AUTHORITATIVE_PORT: String(dns.port),
		ACME_DIRECTORY_URL: vendors.acme.directory,
		SMTP_URL: `smtp://${smtp.host}:${smtp.port}`,
		SSH_KEY_PATH: ssh[0]?.key_path ?? ''
	};
}
