import { z } from 'zod';
import { tickbox } from '#lib/core/tickbox.ts';
import { m } from '#i18n/paraglide/messages.js';
import { isHostName } from '../base/baseDomainForms.ts';

/** Where cloudflared may send what arrives (Cloudflare's documentation of ingress rules). */
const SERVICE =
	/^(?:(?:https?|tcp|ssh|rdp|smb|ws|wss):\/\/[\w.-]+(?::\d{1,5})?(?:\/\S*)?|https?:\/\/\[[0-9a-f:]+\](?::\d{1,5})?(?:\/\S*)?|unix:\/\S+|unix\+tls:\/\S+|http_status:[1-5]\d\d|hello_world|bastion)$/i;

/** One host, `*.` and a domain, or `*` for a rule that its path decides. */
const pattern = z
	.string()
	.trim()
	.toLowerCase()
	.transform((name) => name.replace(/\.$/, ''))
	.refine((name) => name === '*' || isHostName(name.replace(/^\*\./, '')), {
		error: () => m.tunnels_host_bad_name()
	});

/** A Go regular expression; those of JavaScript are close enough to find what is no expression at all. */
const path = z
	.string()
	.trim()
	.max(500)
	.default('')
	.refine((text) => isExpression(text), { error: () => m.tunnels_host_bad_path() })
	.transform((text) => text || null);

function isExpression(text: string): boolean {
	try {
		new RegExp(text);
		return true;
	} catch {
		return false;
	}
}

const options = z
	.string()
	.trim()
	.max(5_000)
	.default('')
	.transform((text, context): Record<string, unknown> | null => {
		if (!text) return null;
		try {
			const given: unknown = JSON.parse(text);
			const { data } = z.record(z.string(), z.unknown()).safeParse(given);
			if (data) return Object.keys(data).length > 0 ? data : null;
		} catch {
			// Falls through to the sentence.
		}
		context.addIssue({ code: 'custom', message: m.tunnels_host_bad_options() });
		return z.NEVER;
	});

const service = z
	.string()
	.trim()
	.max(500)
	.regex(SERVICE, { error: () => m.tunnels_host_bad_service() });

function refuseCatchAll(
	{ hostname, path }: { hostname: string; path: string | null },
	check: z.core.$RefinementCtx
): void {
	if (hostname === '*' && !path)
		check.addIssue({
			code: 'custom',
			path: ['hostname'],
			message: m.tunnels_host_catch_all()
		});
}

export const edgeHostForm = z
	.object({ hostname: pattern, path, service, options, dns: tickbox })
	.superRefine(refuseCatchAll)
	.transform(({ options, dns, ...rest }) => ({ ...rest, originRequest: options, dnsKept: dns }));
export type EdgeHostInput = z.output<typeof edgeHostForm>;

export const editedHostForm = z.intersection(edgeHostForm, z.object({ host: z.uuid() }));

/** What `POST /api/tunnels/{id}/hosts` takes. */
export const edgeHostBody = z
	.object({
		hostname: pattern,
		path: z.string().trim().max(500).nullable().default(null),
		service,
		/** Cloudflare's `originRequest`: options for the way to the service. */
		origin_request: z.record(z.string(), z.unknown()).nullable().default(null),
		/** The record of its name is made, and taken away with it; only under a base domain. */
		dns: z.boolean().default(false)
	})
	.superRefine(refuseCatchAll)
	.refine(({ path }) => !path || isExpression(path), {
		path: ['path'],
		error: () => m.tunnels_host_bad_path()
	})
	.transform(({ origin_request, dns, ...rest }): EdgeHostInput => ({
		...rest,
		originRequest: origin_request,
		dnsKept: dns
	}));
