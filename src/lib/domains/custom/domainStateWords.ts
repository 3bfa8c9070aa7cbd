import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { CustomDomainStatus, DomainCertificate } from '#prisma/generated/enums.ts';

interface Word {
	label: () => string;
	tone: Tone;
}

const STATUSES: Record<CustomDomainStatus, Word> = {
	pending: { label: m.domains_status_pending, tone: 'warning' },
	verifying: { label: m.domains_status_verifying, tone: 'warning' },
	active: { label: m.domains_status_active, tone: 'success' },
	error: { label: m.domains_status_error, tone: 'danger' },
	inactive: { label: m.domains_status_inactive, tone: 'neutral' },
	removed: { label: m.domains_status_removed, tone: 'neutral' }
};

/** In the order of a domain's life. */
export const DOMAIN_STATUSES = Object.keys(STATUSES).filter(isDomainStatus);

export function isDomainStatus(status: string): status is CustomDomainStatus {
	return Object.hasOwn(STATUSES, status);
}

/** How a domain stands, for Badge. */
export function domainStatus(status: CustomDomainStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

const CERTIFICATES: Record<DomainCertificate, Word> = {
	none: { label: m.domains_certificate_none, tone: 'neutral' },
	pending: { label: m.domains_certificate_pending, tone: 'warning' },
	active: { label: m.domains_certificate_active, tone: 'success' },
	error: { label: m.domains_certificate_error, tone: 'danger' }
};

export const DOMAIN_CERTIFICATES = Object.keys(CERTIFICATES).filter(
	(name): name is DomainCertificate => Object.hasOwn(CERTIFICATES, name)
);

const DAY_MS = 86_400_000;
/** Authorities renew a month before the end: with less than this left, something went wrong. */
const SOON_DAYS = 21;

/** How the certificate stands. */
export function certificateWord(state: DomainCertificate): string {
	return CERTIFICATES[state].label();
}

/** The same with what is left of it, for StatusDot. @param now epoch milliseconds */
export function certificateState(
	certificate: { certificate: DomainCertificate; certificateExpiresAt: Date | null },
	now: number
): { label: string; tone: Tone; days: number | null } {
	const { certificate: state, certificateExpiresAt: end } = certificate;
	const { tone } = CERTIFICATES[state];
	if (state !== 'active' || !end) return { label: certificateWord(state), tone, days: null };
	const days = Math.floor((end.getTime() - now) / DAY_MS);
	if (days < 0) return { label: m.domains_certificate_expired(), tone: 'danger', days };
	const left = days === 1 ? m.domains_certificate_day() : m.domains_certificate_days({ days });
	return { label: left, tone: days <= SOON_DAYS ? 'warning' : tone, days };
}
