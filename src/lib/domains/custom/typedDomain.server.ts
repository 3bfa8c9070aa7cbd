import { domainToASCII } from 'node:url';
import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { findDomain, ownNames } from './domainPlace.server.ts';
import { hostnameRefusal } from './domainWords.ts';
import { type HostnameProblem, parseHostname } from '../hostname.ts';

/** A domain as it is stored, of what somebody typed or pasted of one: an address, another script, a last dot. */
export function nameTyped(typed: string): string {
	const host = typed
		.trim()
		.toLowerCase()
		.replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
		.replace(/[/?#].*$/s, '')
		.replace(/\.$/, '');
	if (/^[\x20-\x7e]*$/.test(host)) return host;
	return domainToASCII(host) || host;
}

/** A domain by its id, or by its name however it is written. @throws {AppError} DOMAIN_NOT_FOUND */
export async function typedDomain(tx: Tx, idOrName: string): Promise<CustomDomain> {
	// PostgreSQL's text holds no NUL, and no name has one.
	const name = nameTyped(idOrName);
	const isNoId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name) && !z.guid().safeParse(name).success;
	if (name.includes('\0') || isNoId)
		throw new AppError('DOMAIN_NOT_FOUND', { params: { domain: name.replaceAll('\0', '') } });
	return findDomain(tx, name);
}

/** What may become of a name, without a word about whose it is. */
export interface Usable {
	/** In punycode; what was typed where it is no name. */
	domain: string;
	unicode: string;
	available: boolean;
	/** Why not: a code; null when it is available. */
	reason: HostnameProblem | 'taken' | null;
	/** The same in words. */
	sentence: string | null;
	/** It is the registered domain itself, which takes no CNAME at most registrars. */
	apex: boolean;
	/** The `www` of an apex, or the apex of a `www`. */
	sibling: string | null;
	/** The domain that somebody registered. */
	registrable: string | null;
	/** A customer of ours has proven that it is theirs. */
	takenByUs: boolean;
}

/**
 * Whether a name can be added as a custom domain. A name that was claimed and never proven is free for who proves it.
 * @param typed as a person writes it
 */
export async function usable(tx: Tx, typed: string): Promise<Usable> {
	const parsed = parseHostname(typed, await ownNames(tx));
	if (!parsed.ok)
		return {
			...{ domain: typed, unicode: typed, available: false, reason: parsed.code },
			...{ sentence: hostnameRefusal(parsed.code), apex: false, sibling: null },
			...{ registrable: null, takenByUs: false }
		};
	const { hostname, unicode, isApex, sibling, registrable } = parsed;
	const holder = await tx.customDomain.findFirst({
		where: { hostname, verifiedAt: { not: null }, status: { not: 'removed' } },
		select: { id: true }
	});
	const takenByUs = holder !== null;
	return {
		...{ domain: hostname, unicode, apex: isApex, sibling, registrable, takenByUs },
		available: !takenByUs,
		reason: takenByUs ? 'taken' : null,
		sentence: takenByUs ? m.domains_check_taken() : null
	};
}
