import { parse } from 'tldts';
import { toUnicode } from './punycode.ts';

/** Why a name cannot be a custom domain; the sentences are in `domainWords.ts`. */
export type HostnameProblem =
	| 'empty'
	| 'not_a_name'
	| 'ip_address'
	| 'wildcard'
	| 'single_label'
	| 'too_long'
	/** `com.ec`: domains are sold below it, nobody owns it. */
	| 'public_suffix'
	/** It is ours: a base domain and all below it, the control plane, an address of the tunnels. */
	| 'own_name'
	/** It never exists on the public internet: `.local`, `.internal` … */
	| 'reserved';

export interface Hostname {
	ok: true;
	/** Lower case, punycode, without the last dot. */
	hostname: string;
	/** The same as people read it. */
	unicode: string;
	/** It is the registrable domain itself. */
	isApex: boolean;
	/** The domain that somebody registered: `acme.com.ec` of `erp.acme.com.ec`. */
	registrable: string;
	/** The `www` of an apex, or the apex of a `www`. */
	sibling: string | null;
}

export interface OwnNames {
	/** Ours with everything below. */
	baseDomains: readonly string[];
	/** Ours one by one; `*.x` means everything below x. */
	reserved: readonly string[];
}

// RFC 6761, 6762, 7686, 9476, and what ICANN keeps out of the root.
const RESERVED_TLDS = new Set([
	...['local', 'localhost', 'internal', 'intranet', 'arpa', 'onion', 'alt', 'invalid'],
	...['lan', 'home', 'corp', 'localdomain']
]);
/** Names of Cloudflare's that lead to tunnels and pages: nobody can prove one, and a rule for one would shadow it. */
const CLOUDFLARE = ['cfargotunnel.com', 'trycloudflare.com', 'workers.dev', 'pages.dev'];
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;

/**
 * Reads what somebody typed or pasted as the name of a custom domain: any case, IDN in either form, a last dot, a whole
 * URL with path and port.
 */
export function parseHostname(
	input: string,
	own: OwnNames
): Hostname | { ok: false; code: HostnameProblem } {
	const typed = bare(input);
	if (typed === '') return refused('empty');
	if (/[*＊]/.test(typed)) return refused('wildcard');
	const hostname = ascii(typed);
	if (hostname === null) return refused('not_a_name');
	if (hostname === 'ip') return refused('ip_address');
	const labels = hostname.split('.');
	if (hostname.length > LONGEST_NAME || labels.some((label) => label.length > LONGEST_LABEL)) {
		return refused('too_long');
	}
	if (!labels.every((label) => LABEL.test(label))) return refused('not_a_name');
	if (labels.length === 1) return refused('single_label');
	if (RESERVED_TLDS.has(labels.at(-1) ?? '')) return refused('reserved');
	if (isOwn(hostname, own)) return refused('own_name');
	// Private suffixes count as well: who has acme.us.com has a domain, who has acme.github.io has no DNS of it.
	const { domain } = parse(hostname, { allowPrivateDomains: true });
	if (!domain) return refused('public_suffix');
	const isApex = hostname === domain;
	return {
		ok: true,
		hostname,
		unicode: toUnicode(hostname),
		isApex,
		registrable: domain,
		sibling: siblingOf(hostname, domain)
	};
}

const refused = (code: HostnameProblem) => ({ ok: false, code }) as const;

/** Without what surrounds the name in a URL. */
function bare(input: string): string {
	const text = input
		// What copying from chats and documents leaves behind: zero-width characters.
		.replace(/[\u200b-\u200d\u2060\ufeff\u00ad]/g, '')
		.trim();
	const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
	const rest = (scheme ? text.slice(scheme.length) : text).replace(/^\/\//, '');
	const host = rest.split(/[/?#\\]/)[0] ?? '';
	return (scheme ? host.slice(host.lastIndexOf('@') + 1) : host)
		.replace(/^([^:]*):\d{1,5}$/, '$1')
		.trim();
}

/** By the rules of browsers (UTS 46), without the last dot; `ip` for addresses, null for what is no name. */
function ascii(typed: string): string | null {
	if (/^\[?[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*\]?$/i.test(typed)) return 'ip';
	// Percent signs would be decoded, and the others end the host, so that only a part of it would be seen.
	if (/[%:@\s]/.test(typed)) return null;
	if (!URL.canParse(`http://${typed}/`)) {
		// A label that is too long in ASCII may be refused there without a reason of its own.
		return null;
	}
	const { hostname } = new URL(`http://${typed}/`);
	const name = hostname.replace(/\.$/, '');
	return /^\d+(\.\d+){3}$/.test(name) ? 'ip' : name;
}

function isOwn(hostname: string, { baseDomains, reserved }: OwnNames): boolean {
	const within = (zone: string) => hostname === zone || hostname.endsWith(`.${zone}`);
	return (
		[...baseDomains.map((name) => name.toLowerCase()), ...CLOUDFLARE].some(within) ||
		reserved.some((one) => {
			const name = one.toLowerCase();
			return name.startsWith('*.') ? hostname.endsWith(name.slice(1)) : hostname === name;
		})
	);
}

function siblingOf(hostname: string, domain: string): string | null {
	if (hostname === `www.${domain}`) return domain;
	if (hostname !== domain || hostname.length + 4 > LONGEST_NAME) return null;
	return `www.${domain}`;
}
