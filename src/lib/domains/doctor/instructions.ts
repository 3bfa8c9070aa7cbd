import { m } from '#i18n/paraglide/messages.js';
import type { WantedRecord } from './domainTypes.ts';
import type { Hostname } from '../hostname.ts';
import { FORMS, registrarName, type Registrar } from './registrars.ts';

/** A field of the registrar's form, as it is called there. */
export interface InstructionField {
	label: string;
	value: string;
	/** It is typed, not chosen from a list. */
	copyable: boolean;
}

export interface Instruction<R extends WantedRecord = WantedRecord> {
	/** `delegate` and `open`: where to go · `record`: what to add · `forward`: instead of a record · `wait`: the last. */
	kind: 'delegate' | 'open' | 'record' | 'forward' | 'wait';
	/** What to do, in a sentence. */
	text: string;
	/** What to put into the form, in its order. */
	fields: InstructionField[];
	/** What to mind. */
	notes: string[];
	/** The record that this one sets, as it was given. */
	record: R | null;
}

type Place = Pick<Hostname, 'hostname' | 'registrable'>;
type Words = { locale?: 'es' | 'en' };

const PURPOSES = ['ownership', 'routing', 'certificate'] as const;

/**
 * The steps in which somebody sets these records at a registrar, in order: each has its fields as that registrar's form
 * has them.
 * @param place the domain they are for; names are written relative to its registered domain
 */
export function instructionsFor<R extends WantedRecord>(
	records: readonly R[],
	registrar: Registrar,
	place: Place,
	words: Words = {}
): Instruction<R>[] {
	const ordered = PURPOSES.flatMap((purpose) =>
		records
			.filter((record) => record.purpose === purpose)
			// What stands for the others comes before them.
			.toSorted((one, other) => Number(isAlias(other, place)) - Number(isAlias(one, place)))
	);
	return [
		...opening(registrar, place.registrable, words),
		...chosen(ordered, registrar, place).map((record) => stepOf(record, registrar, place, words)),
		...forwarding(ordered, registrar, place, words),
		step('wait', m.domains_step_wait({}, words))
	];
}

function step<R extends WantedRecord>(
	kind: Instruction['kind'],
	text: string,
	more: Partial<Instruction<R>> = {}
): Instruction<R> {
	return { kind, text, fields: [], notes: [], record: null, ...more };
}

function opening(registrar: Registrar, domain: string, words: Words): Instruction<never>[] {
	const delegations: Instruction<never>[] = [
		step('delegate', m.domains_step_delegate_nicar({ domain }, words)),
		step('delegate', m.domains_step_delegations_nicar({ domain }, words))
	];
	const open = {
		cloudflare: m.domains_step_open_cloudflare,
		godaddy: m.domains_step_open_godaddy,
		namecheap: m.domains_step_open_namecheap,
		nicar: m.domains_step_open_nicar,
		squarespace: m.domains_step_open_squarespace,
		generic: m.domains_step_open_generic
	}[registrar];
	return [...(registrar === 'nicar' ? delegations : []), step('open', open({ domain }, words))];
}

const isAlias = (record: WantedRecord, { registrable }: Place): boolean =>
	record.type === 'ALIAS' || (record.type === 'CNAME' && record.name === registrable);

/** Of alternatives those that this registrar can do; all of them where it may or may not. */
function chosen<R extends WantedRecord>(
	records: readonly R[],
	registrar: Registrar,
	place: Place
): R[] {
	const { apex } = FORMS[registrar];
	return records.filter((record) => {
		const others = alternativesTo(record, records);
		if (isAlias(record, place)) return apex !== 'forwarding';
		const hasAlias = others.some((one) => isAlias(one, place));
		return !hasAlias || apex === 'forwarding' || apex === 'maybe';
	});
}

function alternativesTo(record: WantedRecord, records: readonly WantedRecord[]): WantedRecord[] {
	if (record.alternative === undefined) return [];
	return records.filter((one) => one !== record && one.alternative === record.alternative);
}

/** An apex that can have neither alias nor address is sent on to its `www`. */
function forwarding<R extends WantedRecord>(
	records: readonly R[],
	registrar: Registrar,
	place: Place,
	words: Words
): Instruction<R>[] {
	if (FORMS[registrar].apex !== 'forwarding') return [];
	return records
		.filter((record) => isAlias(record, place))
		.filter((record) => !alternativesTo(record, records).some((one) => !isAlias(one, place)))
		.map((record) => {
			const to = `https://www.${record.name}`;
			const text = m.domains_step_forward(
				{ registrar: registrarName(registrar, words), name: record.name, to },
				words
			);
			const fields = [
				{ label: m.domains_field_forward_from({}, words), value: record.name, copyable: true },
				{ label: m.domains_field_forward_to({}, words), value: to, copyable: true }
			];
			return step('forward', text, { fields, record });
		});
}

function stepOf<R extends WantedRecord>(
	record: R,
	registrar: Registrar,
	place: Place,
	words: Words
): Instruction<R> {
	const form = FORMS[registrar];
	const flattened = isAlias(record, place) && form.apex === 'flattening';
	const type = flattened ? 'CNAME' : isAlias(record, place) ? 'ALIAS' : record.type;
	const { name } = record;
	const texts = {
		ownership: m.domains_step_record_ownership({}, words),
		routing: m.domains_step_record_routing({ name }, words),
		certificate: m.domains_step_record_certificate({}, words)
	};
	const fields = [
		{ label: m.domains_field_type({}, words), value: form.type(type), copyable: false },
		{ label: form.nameLabel(words), value: relative(name, place.registrable), copyable: true },
		{ label: form.valueLabel(type, words), value: record.value, copyable: true }
	];
	const notes = notesOf(record, type, registrar, place, words);
	return step('record', texts[record.purpose], { fields, notes, record });
}

/** The part before the registered domain, as forms want it that add the domain by themselves; `@` for itself. */
function relative(name: string, registrable: string): string {
	if (name === registrable) return '@';
	return name.endsWith(`.${registrable}`) ? name.slice(0, -registrable.length - 1) : name;
}

function notesOf(
	record: WantedRecord,
	type: string,
	registrar: Registrar,
	place: Place,
	words: Words
): string[] {
	const { name, purpose } = record;
	const isRouting = purpose === 'routing';
	const isApex = name === place.registrable;
	// Of those whose forms we do not know, nobody knows which of the two they want.
	const isVague = registrar === 'generic' || registrar === 'nicar';
	const aliasNote = place.registrable === name && type === 'ALIAS';
	return [
		...(isVague && !isApex ? [m.domains_step_note_relative({ name }, words)] : []),
		...(isVague && isApex ? [m.domains_step_note_apex({}, words)] : []),
		...(registrar === 'cloudflare' && type !== 'TXT' ? [m.domains_step_note_grey({}, words)] : []),
		...(registrar === 'cloudflare' && isApex && type === 'CNAME'
			? [m.domains_step_note_flattening({}, words)]
			: []),
		...(aliasNote && FORMS[registrar].apex === 'maybe'
			? [
					record.alternative === undefined
						? m.domains_step_note_alias_only({}, words)
						: m.domains_step_note_alias({}, words)
				]
			: []),
		...(isRouting ? [m.domains_step_note_replace({}, words)] : []),
		...(isRouting && (registrar === 'godaddy' || registrar === 'namecheap')
			? [m.domains_step_note_parking({}, words)]
			: [])
	];
}
