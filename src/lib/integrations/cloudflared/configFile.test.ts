import { expect, test } from 'vitest';
import { readConfigFile, withRules } from './configFile.ts';
import { CloudflaredError } from './errors.ts';

const RULES = [
	{ hostname: '*.sajet.us', path: '^/(a|b)(/|$)', service: 'http://10.0.0.5:80' },
	{ service: 'http_status:404' }
];

test('empty hosts and paths mean none, other keys of a rule stay out', () => {
	expect(
		readConfigFile(
			'tunnel: t\ningress:\n  - hostname: ""\n    path:\n    service: http://x\n    originRequest:\n      noTLSVerify: true\n'
		)
	).toEqual({
		tunnel: 't',
		rules: [{ service: 'http://x', originRequest: { noTLSVerify: true } }]
	});
	expect(readConfigFile('tunnel: t\n')).toEqual({ tunnel: 't', rules: null });
});

test('rules are written so that they read the same, whatever is in them', () => {
	const odd = [
		{
			hostname: 'a.b',
			path: '\': #{}[]&*!|>%@`"\\',
			service: 'unix:/run/x.sock',
			originRequest: { httpHostHeader: 'yes', n: 1, list: ['no', '08'] }
		},
		...RULES
	];
	expect(readConfigFile(withRules('tunnel: t\n', odd)).rules).toEqual(odd);
});

test('an empty file, and one without rules, get them', () => {
	expect(readConfigFile(withRules('', RULES)).rules).toEqual(RULES);
	expect(withRules('# only words\n', RULES)).toContain('# only words');
	const added = withRules('a: 1 # one\n\nb: "2"\n', RULES);
	expect(added).toMatch(/^a: 1 # one\n\nb: "2"\ningress:\n/);
});

test('a setting that an alias takes from the rules is not changed under its feet', () => {
	const text =
		'tunnel: t\ningress:\n  - service: http://x\n    originRequest: &o\n      noTLSVerify: true\noriginRequest: *o\n';
	expect(() => withRules(text, RULES)).toThrow();
});

test.each(['a: [', '- a\n- b\n', 'just words', 'ingress:\n  - hostname: a\n', 'ingress: 3\n'])(
	'%j is refused',
	(text) => {
		expect(() => readConfigFile(text)).toThrow(CloudflaredError);
	}
);
