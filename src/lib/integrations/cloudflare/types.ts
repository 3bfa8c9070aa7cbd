import { z } from 'zod';

// Open enums stay strings: Cloudflare adds values, and an unknown one must not break a read.

export const zoneSchema = z.looseObject({
	id: z.string(),
	name: z.string(),
	/** `initializing`, `pending`, `active`, `moved`. */
	status: z.string(),
	paused: z.boolean().optional()
});
export type Zone = z.infer<typeof zoneSchema>;

export const dnsRecordSchema = z.looseObject({
	id: z.string(),
	name: z.string(),
	type: z.string(),
	content: z.string(),
	proxied: z.boolean().default(false),
	/** Seconds; 1 is automatic. */
	ttl: z.number(),
	comment: z.string().nullish()
});
export type DnsRecord = z.infer<typeof dnsRecordSchema>;

export const tunnelSchema = z.looseObject({
	id: z.string(),
	name: z.string(),
	/** `inactive` (never connected), `degraded`, `healthy`, `down`. */
	status: z.string(),
	/** Only a `cloudflare` one takes its configuration from the API; a `local` one ignores it silently. */
	config_src: z.string().optional(),
	created_at: z.string(),
	deleted_at: z.string().nullish(),
	conns_active_at: z.string().nullish(),
	conns_inactive_at: z.string().nullish()
});
export type Tunnel = z.infer<typeof tunnelSchema>;

export interface IngressRule {
	/** Absent: every host. */
	hostname?: string;
	/** Go regular expression, not anchored. Absent: every path. */
	path?: string;
	/** `http://10.0.0.5:8069`, `http_status:404`. */
	service: string;
	originRequest?: Record<string, unknown>;
}

export const ingressRuleSchema = z
	.looseObject({
		hostname: z.string().optional(),
		path: z.string().optional(),
		service: z.string(),
		originRequest: z.record(z.string(), z.unknown()).optional()
	})
	// An empty string means the same as nothing; what is compared has one form.
	.transform(({ hostname, path, ...rest }): IngressRule => ({
		...(hostname ? { hostname } : {}),
		...(path ? { path } : {}),
		...rest
	}));

export const tunnelConfigSchema = z.looseObject({
	ingress: z.array(ingressRuleSchema).nullish(),
	originRequest: z.looseObject({}).optional()
});
export type TunnelConfig = z.infer<typeof tunnelConfigSchema>;

export const tunnelConfigurationSchema = z.looseObject({
	/** Grows with every write, whoever writes; there is no way to write only if it is unchanged. */
	version: z.number(),
	/** Null for a tunnel that was never configured. */
	config: tunnelConfigSchema.nullable(),
	source: z.string().optional()
});
export type TunnelConfiguration = z.infer<typeof tunnelConfigurationSchema>;

export const connectorSchema = z.looseObject({
	id: z.string(),
	version: z.string().optional(),
	arch: z.string().optional(),
	run_at: z.string().optional(),
	config_version: z.number().optional(),
	conns: z
		.array(
			z.looseObject({
				id: z.string().optional(),
				colo_name: z.string().optional(),
				opened_at: z.string().optional(),
				origin_ip: z.string().optional(),
				is_pending_reconnect: z.boolean().optional()
			})
		)
		.default([])
});
export type Connector = z.infer<typeof connectorSchema>;

export const customHostnameSchema = z.looseObject({
	id: z.string(),
	hostname: z.string(),
	/** Ownership: `pending`, `active`, `moved`, `blocked` … Serve only when this and `ssl.status` are `active`. */
	status: z.string().optional(),
	verification_errors: z.array(z.string()).default([]),
	ownership_verification: z.looseObject({ name: z.string(), value: z.string() }).nullish(),
	ssl: z
		.looseObject({
			status: z.string(),
			method: z.string().optional(),
			issuer: z.string().nullish(),
			expires_on: z.string().nullish(),
			validation_errors: z.array(z.looseObject({ message: z.string() })).default([]),
			validation_records: z
				.array(z.looseObject({ txt_name: z.string().optional(), txt_value: z.string().optional() }))
				.default([])
		})
		.nullish()
});
export type CustomHostname = z.infer<typeof customHostnameSchema>;

export const fallbackOriginSchema = z.looseObject({
	origin: z.string(),
	status: z.string(),
	errors: z.array(z.string()).default([])
});
export type FallbackOrigin = z.infer<typeof fallbackOriginSchema>;

export const tokenStatusSchema = z.looseObject({
	id: z.string(),
	/** `active`, `disabled`, `expired`. */
	status: z.string(),
	expires_on: z.string().nullish()
});
export type TokenStatus = z.infer<typeof tokenStatusSchema>;

/** What the cheap reads say of a token; `unknown` where nothing could be asked. Reads do not prove the right to edit. */
export type ScopeProbe = 'granted' | 'refused' | 'unknown';

export interface TokenCheck {
	/** Cloudflare knows the token and it is active. */
	valid: boolean;
	status: string;
	owner: 'user' | 'account' | null;
	expiresOn: string | null;
	scopes: Record<'zones' | 'dns' | 'tunnels' | 'customHostnames', ScopeProbe>;
}

/** Who issues the certificate of a custom hostname. */
export type CertificateAuthority = 'google' | 'lets_encrypt' | 'ssl_com';
