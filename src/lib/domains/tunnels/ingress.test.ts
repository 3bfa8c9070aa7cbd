import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchIngress } from '../../../sandbox/cloudflare/ingress.ts';
import type { IngressRule } from '../../integrations/cloudflare/types.ts';
import {
	deriveIngress,
	type FixedHost,
	foreignRules,
	type HostRoute,
	sameIngress,
	WEBSOCKET_PATH
} from './ingress.ts';

const APP = 'http://127.0.0.1:4443';
const LAST = { service: 'http_status:404' };
const host = (hostname: string, rest: Partial<FixedHost> = {}): FixedHost => ({
	hostname,
	path: null,
	service: 'http://10.0.0.9',
	originRequest: null,
	...rest
});
const tenant = (slug: string, rest: Partial<HostRoute> = {}): HostRoute => ({
	hostname: `${slug}.sajet.us`,
	ipAddress: '10.0.0.1',
	hostHeader: null,
	...rest
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const address = fc.ipV4();
const tenants = fc.uniqueArray(
	fc.record({
		hostname: label.map((slug) => `${slug}.sajet.us`),
		ipAddress: fc.option(address, { nil: null }),
		hostHeader: fc.option(
			label.map((slug) => `${slug}.sajet.us`),
			{ nil: null }
		)
	}),
	{ selector: ({ hostname }) => hostname, maxLength: 12 }
);
const hosts = fc.uniqueArray(
	fc.record({
		hostname: fc.oneof(
			label.map((name) => `${name}.triboka.com`),
			fc.constantFrom('*.sajet.us', '*.triboka.com')
		),
		path: fc.option(fc.constantFrom('/api', '^/ws'), { nil: null }),
		service: address.map((ip) => `http://${ip}:8080`),
		originRequest: fc.option(fc.record({ noTLSVerify: fc.boolean() }), { nil: null })
	}),
	{ selector: ({ hostname, path }) => `${hostname}|${path}`, maxLength: 8 }
);

describe('the derived document', () => {
	test('reads as intended', () => {
		const own = { hostname: 'erp.acme.com', ipAddress: '10.0.0.1', hostHeader: 'acme.sajet.us' };
		const rules = deriveIngress(
			[host('erp.sajet.us'), host('*.sajet.us'), host('erp.sajet.us', { path: '/api' })],
			[tenant('zeta', { ipAddress: null }), tenant('acme'), own],
			APP
		);
		const options = { originRequest: { httpHostHeader: 'acme.sajet.us' } };
		expect(rules).toEqual([
			{ hostname: 'erp.sajet.us', path: '/api', service: 'http://10.0.0.9' },
			{ hostname: 'erp.sajet.us', service: 'http://10.0.0.9' },
			{ hostname: 'acme.sajet.us', path: WEBSOCKET_PATH, service: 'http://10.0.0.1:80' },
			{ hostname: 'acme.sajet.us', service: 'http://10.0.0.1:80' },
			{ hostname: 'erp.acme.com', path: WEBSOCKET_PATH, service: 'http://10.0.0.1:80', ...options },
			{ hostname: 'erp.acme.com', service: 'http://10.0.0.1:80', ...options },
			{ hostname: 'zeta.sajet.us', service: APP },
			{ hostname: '*.sajet.us', service: 'http://10.0.0.9' },
			LAST
		]);
	});

	test('leads the bus of Odoo by the rule of its own, and nothing else', () => {
		const rules = deriveIngress([], [tenant('acme')], APP);
		const ruleFor = (path: string) => matchIngress(rules, 'acme.sajet.us', path)?.path;
		for (const path of ['/websocket', '/longpolling/poll', '/websocket/health'])
			expect(ruleFor(path)).toBe(WEBSOCKET_PATH);
		for (const path of ['/', '/websockets', '/web/websocket'])
			expect(ruleFor(path)).toBeUndefined();
	});

	test('ends with the catch-all, holds every row once, and does not depend on the order of tenants', () => {
		fc.assert(
			fc.property(hosts, tenants, fc.integer(), (fixed, published, seed) => {
				const rules = deriveIngress(fixed, published, APP);
				expect(rules.at(-1)).toEqual(LAST);
				const own = published.reduce((sum, { ipAddress }) => sum + (ipAddress ? 2 : 1), 0);
				expect(rules).toHaveLength(fixed.length + own + 1);
				const open = rules.filter(({ hostname }) => !hostname);
				expect(open).toEqual([LAST]);
				const mixed = published.toSorted((a, b) =>
					`${a.hostname}${seed}` < `${b.hostname}${seed}` ? 1 : -1
				);
				expect(deriveIngress(fixed, mixed, APP)).toEqual(rules);
			})
		);
	});

	test('sends every tenant’s requests to its own container, whatever else stands there', () => {
		fc.assert(
			fc.property(hosts, tenants, (fixed, published) => {
				const rules = deriveIngress(fixed, published, APP);
				for (const { hostname, ipAddress, hostHeader } of published) {
					for (const path of ['/', '/api/x', '/ws', '/websocket', '/longpolling/poll']) {
						const rule = matchIngress(rules, hostname, path);
						expect(rule?.service).toBe(ipAddress ? `http://${ipAddress}:80` : APP);
						expect(rule?.originRequest).toEqual(
							ipAddress && hostHeader ? { httpHostHeader: hostHeader } : undefined
						);
					}
				}
			})
		);
	});
});

describe('rules of others', () => {
	test('none are found in a document of ours, and it is the same as itself', () => {
		fc.assert(
			fc.property(hosts, tenants, (fixed, published) => {
				const rules = deriveIngress(fixed, published, APP);
				expect(foreignRules(rules, rules, () => false)).toEqual([]);
				expect(sameIngress(rules, structuredClone(rules))).toBe(true);
			})
		);
	});

	test('once adopted they are part of the document as they were', () => {
		fc.assert(
			fc.property(hosts, tenants, (fixed, published) => {
				const ours = deriveIngress([], published, APP);
				const theirs = deriveIngress(fixed, [], APP);
				const adopted = foreignRules([...theirs, ...ours], ours, () => false);
				const next = deriveIngress(adopted, published, APP);
				expect(adopted).toHaveLength(fixed.length);
				expect(foreignRules(theirs, next, () => false)).toEqual([]);
				for (const rule of theirs) expect(next).toContainEqual(rule);
			})
		);
	});

	test('a host of ours in other letters, a second copy, and another catch-all are no rules of others', () => {
		const ours = deriveIngress([], [tenant('acme')], APP);
		const current: IngressRule[] = [
			{ hostname: 'ACME.sajet.us', service: 'http://evil' },
			{ hostname: 'Grafana.Triboka.com', service: 'http://10.1.1.1:3000' },
			{ hostname: 'grafana.triboka.com', service: 'http://10.1.1.2:3000' },
			{ path: '/metrics', service: 'http://10.1.1.3' },
			{ hostname: 'gone.sajet.us', path: '/x', service: 'http://10.1.1.4' },
			{ service: 'http_status:503' }
		];
		expect(foreignRules(current, ours, (name) => name === 'gone.sajet.us')).toEqual([
			host('grafana.triboka.com', { service: 'http://10.1.1.1:3000' }),
			host('*', { path: '/metrics', service: 'http://10.1.1.3' })
		]);
	});

	test.each<[string, IngressRule[]]>([
		[
			'another order',
			[{ hostname: 'b.x', service: 'http://2' }, { hostname: 'a.x', service: 'http://1' }, LAST]
		],
		[
			'another service',
			[{ hostname: 'a.x', service: 'http://3' }, { hostname: 'b.x', service: 'http://2' }, LAST]
		],
		[
			'options of somebody else',
			[
				{ hostname: 'a.x', service: 'http://1', originRequest: { httpHostHeader: 'c.x' } },
				{ hostname: 'b.x', service: 'http://2' },
				LAST
			]
		],
		['a rule less', [{ hostname: 'a.x', service: 'http://1' }, LAST]],
		[
			'another end',
			[
				{ hostname: 'a.x', service: 'http://1' },
				{ hostname: 'b.x', service: 'http://2' },
				{ service: 'http_status:503' }
			]
		]
	])('%s is another document', (_, other) => {
		const rules = [
			{ hostname: 'a.x', service: 'http://1' },
			{ hostname: 'b.x', service: 'http://2' },
			LAST
		];
		expect(sameIngress(other, rules)).toBe(false);
	});

	test('what means the same is the same', () => {
		const a: IngressRule[] = [
			{ hostname: 'A.x', service: 's', originRequest: {} },
			{
				hostname: 'b.x',
				service: 's',
				originRequest: { caPool: '/c', access: { teamName: 't', required: true } }
			},
			{ hostname: '*', service: 'http_status:404' }
		];
		const b: IngressRule[] = [
			{ hostname: 'a.x', service: 's' },
			{
				hostname: 'b.x',
				service: 's',
				originRequest: { access: { required: true, teamName: 't' }, caPool: '/c' }
			},
			LAST
		];
		expect(sameIngress(a, b)).toBe(true);
	});
});
