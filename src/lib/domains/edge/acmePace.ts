import { X509Certificate } from 'node:crypto';
import { DAY, HOUR, MINUTE } from '#lib/core/clock.server.ts';

/** Let's Encrypt counts failed validations of a name for an hour and refuses the sixth; so fast a name is never tried. */
const AFTER_FAILURE_MS = [15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];
/** The authority does not answer: that is no failure of the name. */
const AFTER_SILENCE_MS = 2 * MINUTE;
/** It says that there were too many and not until when. */
const AFTER_LIMIT_MS = HOUR;
const BEFORE_END_MS = 30 * DAY;

export interface CertificateFacts {
	issuer: string;
	notBefore: Date;
	notAfter: Date;
}

/** What a chain says of itself. @param chain PEM, leaf first @throws {Error} when it is none */
export function factsOf(chain: string): CertificateFacts {
	const leaf = new X509Certificate(chain);
	const named = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(leaf.issuer)?.[1];
	return {
		issuer: named('O') ?? named('CN') ?? leaf.issuer,
		notBefore: new Date(leaf.validFrom),
		notAfter: new Date(leaf.validTo)
	};
}

/** 30 days before the end, of a certificate of three months or more; else when a third of its life is left. */
export function renewalTime({ notBefore, notAfter }: CertificateFacts): Date {
	const life = notAfter.getTime() - notBefore.getTime();
	const thirdLeft = notBefore.getTime() + (life * 2) / 3;
	return new Date(Math.max(thirdLeft, notAfter.getTime() - BEFORE_END_MS));
}

/** When to try again after so many refusals in a row: later each time, and never not at all. */
export function afterFailure(at: Date, failures: number): Date {
	const step = AFTER_FAILURE_MS[Math.max(0, failures - 1)] ?? DAY;
	return new Date(at.getTime() + step);
}

/** When to try again while the authority is away. */
export function afterSilence(at: Date): Date {
	return new Date(at.getTime() + AFTER_SILENCE_MS);
}

/** When to try again after the authority said that there were too many. @param retryAt until when, as it says */
export function afterLimit(at: Date, retryAt: Date | null): Date {
	return new Date(Math.max(at.getTime() + AFTER_LIMIT_MS, retryAt?.getTime() ?? 0));
}
