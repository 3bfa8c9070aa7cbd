import { z } from 'zod';
import type { Finding, Observed } from './domainTypes.ts';

const outcome = z.enum(['found', 'nxdomain', 'nodata', 'unreachable', 'bogus', 'loop']);

const certificate = z.object({
	issuer: z.string(),
	names: z.array(z.string()),
	expiresAt: z.string(),
	fits: z.boolean(),
	trusted: z.boolean().optional()
});

const https = z.discriminatedUnion('kind', [
	z.object({
		kind: z.literal('answered'),
		status: z.number(),
		server: z.string().nullable(),
		location: z.string().nullable(),
		certificate: certificate.nullable()
	}),
	z.object({
		kind: z.literal('unreachable'),
		reason: z.string(),
		certificate: certificate.nullable()
	})
]);

/** What was seen from outside, as the row keeps it. */
export const observedSchema: z.ZodType<Observed> = z.object({
	at: z.string(),
	hostname: z.string(),
	address: outcome,
	a: z.array(z.string()),
	aaaa: z.array(z.string()),
	cnames: z.array(z.string()),
	ownership: z.object({
		name: z.string(),
		state: outcome,
		records: z.array(z.string()),
		elsewhere: z.array(z.object({ name: z.string(), records: z.array(z.string()) })).optional()
	}),
	domain: z.object({ name: z.string(), state: outcome }).optional(),
	reason: z.string().nullish(),
	caa: z.object({ at: z.string(), issuers: z.array(z.string()) }).nullable(),
	nameservers: z.array(z.string()),
	https: https.nullable()
});

/** @returns null when nobody has looked yet, or an older version wrote it */
export function observedOf(value: unknown): Observed | null {
	return observedSchema.safeParse(value).data ?? null;
}

export const findingSchema: z.ZodType<Finding> = z.object({
	code: z.custom<Finding['code']>((code) => typeof code === 'string'),
	of: z.enum(['ownership', 'routing', 'certificate', 'answer']),
	blocks: z.boolean(),
	params: z.record(z.string(), z.string())
});

/** What stood in the way at the last look, most telling first. */
export function findingsOf(value: unknown): Finding[] {
	return z.array(findingSchema).safeParse(value).data ?? [];
}
