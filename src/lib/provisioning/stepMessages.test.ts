import { describe, expect, it } from 'vitest';
import { getLocale, overwriteGetLocale } from '#i18n/paraglide/runtime.js';
import { STEP_CODES, stepError, stepMessage, stepNote, stepSentence } from './stepMessages.ts';

const UTC = { locale: 'es', timeZone: 'UTC' };

/** Rendered as somebody reads it who has chosen this language. */
function as<T>(locale: 'es' | 'en', render: () => T): T {
	const usual = getLocale;
	overwriteGetLocale(() => locale);
	try {
		return render();
	} finally {
		// The next file of this worker asks by its own requests.
		overwriteGetLocale(usual);
	}
}

describe('what a step says', () => {
	const stored = { message: stepMessage('placed', { node: 'pve1', vmid: 1203 }), detail: null };

	it('is a sentence in the language of who reads, with its values as they are', () => {
		expect(as('es', () => stepSentence(stored, UTC))).toBe(
			'Lugar reservado en pve1, contenedor 1203'
		);
		expect(as('en', () => stepSentence(stored, UTC))).toBe('Room reserved on pve1, container 1203');
	});

	it.each(STEP_CODES)('%s has words in both languages, with and without its values', (code) => {
		const values = { node: 'n1', vmid: 7, hostname: 'h1', tunnel: 't1', version: 3, url: 'u1' };
		const params = { ...values, name: 'd1', location: 'l1', until: '2026-11-21T03:12:50.000Z' };
		const say = (given: object) => () =>
			stepSentence({ message: { code, params: given }, detail: null }, UTC);
		for (const given of [params, {}]) {
			const [es, en] = [as('es', say(given)), as('en', say(given))];
			expect(es).not.toBe(en);
			expect(`${es}${en}`).not.toMatch(/\{\w+\}|undefined|step_|null/);
		}
	});

	it('of runs from before stays as it was written, as does what a later version may write', () => {
		expect(stepSentence({ message: null, detail: 'pve1 · CT 203' }, UTC)).toBe('pve1 · CT 203');
		expect(stepSentence({ message: null, detail: null }, UTC)).toBeNull();
		const later = { code: 'toString', params: {} };
		expect(stepSentence({ message: later, detail: 'a line' }, UTC)).toBe('a line');
	});

	it('names dates in the zone of who reads', () => {
		const message = stepMessage('grace', { until: '2026-11-21T03:12:50.000Z' });
		const zone = { locale: 'en', timeZone: 'America/Guayaquil' };
		expect(as('en', () => stepSentence({ message, detail: null }, zone))).toContain('Nov 20, 2026');
	});
});

describe('what a customer reads of it', () => {
	it('names no machine, and says nothing of most', () => {
		for (const code of STEP_CODES) {
			const params = { node: 'pve1', vmid: 203, hostname: 'h1', tunnel: 't1', location: 'l1' };
			expect(stepNote({ code, params }) ?? '').not.toMatch(/pve1|203|t1|l1|Proxmox|Cloudflare/);
		}
		expect(stepNote(stepMessage('placed', { node: 'pve1', vmid: 203 }))).toBeNull();
		expect(stepNote(stepMessage('container_template_offline', {}))).toContain('servidor');
		expect(stepNote('pve1 · CT 203')).toBeNull();
	});
});

describe('why a step failed', () => {
	it('is a sentence, and the vendor’s own words beside it', () => {
		const stored = {
			...{ errorCode: 'VENDOR_FAILED', errorParams: { vendor: 'proxmox' } },
			error: 'lvcreate error: no space left on device'
		};
		expect(as('en', () => stepError(stored))).toEqual({
			sentence: 'Proxmox did not do what was asked of it.',
			technical: 'lvcreate error: no space left on device'
		});
		expect(as('es', () => stepError(stored))?.sentence).toContain('Proxmox');
	});

	it('is shown for old rows, too, and for what nobody foresaw', () => {
		const old = { errorCode: 'INTERNAL', errorParams: null, error: 'CT is locked (disk)' };
		expect(stepError(old)).toEqual({
			sentence: 'Algo que no se había previsto.',
			technical: 'CT is locked (disk)'
		});
		const named = { errorCode: 'NO_CAPACITY', errorParams: null, error: 'NO_CAPACITY' };
		expect(stepError(named)).toMatchObject({ technical: null });
		expect(stepError({ errorCode: null, errorParams: null, error: null })).toBeNull();
	});
});
