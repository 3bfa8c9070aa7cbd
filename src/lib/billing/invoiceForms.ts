import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { currencyDigits, minorToDecimal } from '#lib/ui/format.ts';

/** Why something is done, for colleagues and auditors. */
export const reasonField = z
	.string()
	.trim()
	.min(3, { error: () => m.invoice_reason_missing() })
	.max(500);

/** Of every dialog: the act's id, so that a form that is sent twice is one act. */
export const actForm = z.object({ id: z.uuid().optional() });
export const confirmedForm = actForm.extend({ reason: reasonField, confirm: z.string().trim() });
export const amountForm = confirmedForm.extend({ amount: z.string().trim() });

/**
 * What a person typed as an amount, in minor units: `19,90` and `19.90` are 1990 US cents; CLP has no decimals.
 * @returns null for anything that could mean two things
 */
export function parseAmount(typed: string, currency: string): number | null {
	const digits = currencyDigits(currency);
	const parts = /^(\d{1,10})(?:[.,](\d{1,3}))?$/.exec(typed.replace(/\s/g, ''));
	if (!parts) return null;
	const [, whole = '', decimals = ''] = parts;
	if (decimals.length > digits) return null;
	return Number(whole + decimals.padEnd(digits, '0'));
}

/** For the box that `parseAmount` reads. */
export function amountText(minor: number, currency: string): string {
	return minorToDecimal(minor, currencyDigits(currency)).replace('.', ',');
}
