import { describe, expect, test } from 'vitest';
import type { WantedRecord } from './domainTypes.ts';
import { instructionsFor, type Instruction } from './instructions.ts';
import { guessRegistrar, registrarName, REGISTRARS, type Registrar } from './registrars.ts';

const token: WantedRecord = {
	...{ purpose: 'ownership', type: 'TXT', value: 'erp-verify=abc' },
	name: '_erp-verify.www.acme.com.ec'
};
const cname: WantedRecord = {
	...{ purpose: 'routing', type: 'CNAME', name: 'www.acme.com.ec', value: 'customers.sajet.us' }
};
const apexToken = { ...token, name: '_erp-verify.acme.com.ec' };
const apex = { purpose: 'routing', name: 'acme.com.ec', alternative: 1 } as const;
const alias: WantedRecord = { ...apex, type: 'ALIAS', value: 'customers.sajet.us' };
const address: WantedRecord = { ...apex, type: 'A', value: '203.0.113.10' };
const sub = { hostname: 'www.acme.com.ec', registrable: 'acme.com.ec' };
const root = { hostname: 'acme.com.ec', registrable: 'acme.com.ec' };

const typed = (steps: Instruction[]) =>
	steps
		.filter(({ kind }) => kind === 'record')
		.map(({ fields }) => fields.map(({ value }) => value).join(' '));
const at = (registrar: Registrar, records: WantedRecord[], place = root) =>
	instructionsFor(records, registrar, place, { locale: 'es' });

describe('a name below the domain', () => {
	test.each([
		['cloudflare', 'TXT', 'CNAME'],
		['godaddy', 'TXT', 'CNAME'],
		['namecheap', 'TXT Record', 'CNAME Record'],
		['nicar', 'TXT', 'CNAME'],
		['squarespace', 'TXT', 'CNAME'],
		['generic', 'TXT', 'CNAME']
	] as const)('%s: the token first, names without the domain', (registrar, txt, alias) => {
		// In whatever order they are wanted.
		const steps = at(registrar, [cname, token], sub);
		expect(typed(steps)).toEqual([
			`${txt} _erp-verify.www erp-verify=abc`,
			`${alias} www customers.sajet.us`
		]);
		expect(steps.at(-1)?.kind).toBe('wait');
		expect(steps[0]?.text).toContain('acme.com.ec');
		for (const { fields } of steps)
			for (const { label, copyable } of fields) expect(copyable).toBe(label !== 'Tipo');
	});

	test('fields are called as the form calls them', () => {
		const labels = (registrar: Registrar) =>
			at(registrar, [token, cname], sub)
				.filter(({ kind }) => kind === 'record')
				.map(({ fields }) => fields.map(({ label }) => label).join(' '));
		expect(labels('cloudflare')).toEqual(['Tipo Nombre Contenido', 'Tipo Nombre Destino']);
		expect(labels('namecheap')).toEqual(['Tipo Host Valor', 'Tipo Host Valor']);
		expect(labels('squarespace')).toEqual(['Tipo Host Datos', 'Tipo Host Datos']);
		expect(labels('generic')).toEqual(['Tipo Nombre Valor', 'Tipo Nombre Valor']);
	});
});

describe('the domain itself', () => {
	test.each([
		['cloudflare', ['CNAME @ customers.sajet.us']],
		['namecheap', ['ALIAS Record @ customers.sajet.us']],
		['godaddy', ['A @ 203.0.113.10']],
		['generic', ['ALIAS @ customers.sajet.us', 'A @ 203.0.113.10']],
		['squarespace', ['ALIAS @ customers.sajet.us', 'A @ 203.0.113.10']]
	] as const)('%s, where it may be an alias or addresses', (registrar, routing) => {
		const steps = at(registrar, [apexToken, address, alias]);
		expect(typed(steps).slice(1)).toEqual(routing);
		expect(steps.some(({ kind }) => kind === 'forward')).toBe(false);
		expect(typed(steps)[0]).toContain(' _erp-verify erp-verify=abc');
	});

	test('without addresses GoDaddy forwards it to its www', () => {
		const only = { ...alias, alternative: undefined };
		for (const record of [only, { ...only, type: 'CNAME' } as const]) {
			const steps = at('godaddy', [apexToken, record]);
			expect(typed(steps)).toHaveLength(1);
			const forward = steps.find(({ kind }) => kind === 'forward');
			expect(forward?.fields.map(({ value }) => value)).toEqual([
				...['acme.com.ec', 'https://www.acme.com.ec']
			]);
			expect(forward?.text).toContain('GoDaddy');
		}
		const generic = at('generic', [only]).find(({ kind }) => kind === 'record');
		expect(generic?.notes.join(' ')).toContain('reenvíe el dominio a www');
	});

	test('addresses without an alias are set everywhere', () => {
		const six: WantedRecord = { ...apex, type: 'AAAA', value: '2001:db8::10' };
		for (const registrar of REGISTRARS)
			expect(typed(at(registrar, [address, six]))).toHaveLength(2);
	});
});

describe('what to mind', () => {
	const notes = (registrar: Registrar, record: WantedRecord, place = sub) =>
		at(registrar, [record], place)
			.flatMap((step) => step.notes)
			.join(' ');

	test('the grey cloud, at Cloudflare and for what it could stand before', () => {
		expect(notes('cloudflare', cname)).toContain('nube gris');
		expect(notes('cloudflare', token)).not.toContain('nube gris');
		expect(notes('godaddy', cname)).not.toContain('nube gris');
		expect(notes('cloudflare', alias, root)).toContain('raíz');
	});

	test('records that are in the way, parking ones above all', () => {
		for (const registrar of REGISTRARS)
			expect(notes(registrar, cname)).toContain('A, AAAA o CNAME');
		expect(notes('godaddy', cname)).toContain('estacionamiento');
		expect(notes('generic', token)).not.toContain('A, AAAA o CNAME');
	});

	test('the whole name, where nobody knows what the form wants', () => {
		expect(notes('generic', token)).toContain('_erp-verify.www.acme.com.ec');
		expect(notes('godaddy', token)).toBe('');
		expect(notes('generic', address, root)).toContain('@');
	});

	test('NIC.ar only delegates: somebody else keeps the records', () => {
		const steps = at('nicar', [token], sub);
		expect(steps.map(({ kind }) => kind)).toEqual([
			...['delegate', 'delegate', 'open', 'record', 'wait']
		]);
		expect(steps[1]?.text).toContain('Delegaciones');
	});
});

describe('who keeps the DNS', () => {
	test.each([
		[['dana.ns.cloudflare.com', 'rob.ns.cloudflare.com'], 'acme.com', 'cloudflare'],
		[['NS51.DOMAINCONTROL.COM.'], 'acme.com', 'godaddy'],
		[['dns1.registrar-servers.com'], 'acme.com', 'namecheap'],
		[['ns-cloud-a1.googledomains.com'], 'acme.com', 'squarespace'],
		[['connect1.squarespacedns.com'], 'acme.com', 'squarespace'],
		[['ns1.otro.com.ar'], 'acme.com.ar', 'generic'],
		[['evildomaincontrol.com'], 'acme.com', 'generic'],
		[[], 'acme.com.ar', 'nicar'],
		[[], 'acme.com', 'generic']
	] as const)('%j of %s: %s', (nameservers, domain, expected) => {
		expect(guessRegistrar(nameservers, domain)).toBe(expected);
	});

	test('each has a name', () => {
		const names = REGISTRARS.map((one) => registrarName(one, { locale: 'es' }));
		expect(new Set(names).size).toBe(6);
		expect(registrarName('generic', { locale: 'en' })).toBe('Another one');
	});
});

test('every step is said in both languages', () => {
	const records = [apexToken, token, cname, alias, address];
	for (const registrar of REGISTRARS) {
		const [es, en] = (['es', 'en'] as const).map((locale) =>
			instructionsFor(records, registrar, root, { locale })
		);
		expect(es?.map(({ kind }) => kind)).toEqual(en?.map(({ kind }) => kind));
		for (const [index, one] of (es ?? []).entries()) expect(one.text).not.toBe(en?.[index]?.text);
	}
});
