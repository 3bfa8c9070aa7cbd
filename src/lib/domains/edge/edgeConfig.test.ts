import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEBIAN_LAYOUT, edgeConfig, isEdgeName, type EdgeDomain } from './edgeConfig.ts';

const app = { url: 'http://10.10.0.5:4443', host: 'admin.sajet.us' };
const facts = { release: 'abc123', app, ipv6: false, http2: 'listen' as const };
const config = (domains: EdgeDomain[], more: { ipv6?: boolean; http2?: 'directive' } = {}) =>
	edgeConfig({ ...facts, ...more, domains, layout: DEBIAN_LAYOUT });
const certificate = 'c'.repeat(32);
const tenant = (hostname: string, more: Partial<EdgeDomain> = {}): EdgeDomain => ({
	hostname,
	answer: { kind: 'tenant', ip: '10.10.20.7', host: 'acme.sajet.us' },
	certificate,
	...more
});
/** The server block on 443 of a name. */
const block = (text: string, name: string): string =>
	text
		.split('\tserver {\n')
		.find((one) => one.includes('listen 443') && one.includes(`server_name ${name};`)) ?? '';

describe('what a domain gets', () => {
	test('a tenant: its container under the name that finds its database', () => {
		const found = block(config([tenant('erp.acme.com')]), 'erp.acme.com');
		expect(found).toContain('listen 443 ssl http2;');
		expect(found).toContain(`ssl_certificate /etc/nginx/erp-core/certs/${certificate}.pem;`);
		expect(found).toContain(`ssl_certificate_key /etc/nginx/erp-core/certs/${certificate}.key;`);
		expect(found).toContain('set $erp_host acme.sajet.us;');
		expect(found).toContain('proxy_pass http://10.10.20.7:80;');
		expect(found).toContain(
			'proxy_redirect ~^https?://acme\\.sajet\\.us(?::[0-9]+)?(/.*)?$ https://erp.acme.com$1;'
		);
	});

	test('one that only redirects: 307 that nobody keeps', () => {
		const www = tenant('www.acme.com', { answer: { kind: 'redirect', to: 'https://acme.com' } });
		const found = block(config([www]), 'www.acme.com');
		expect(found).toContain('return 307 https://acme.com$request_uri;');
		expect(found).toContain('add_header Cache-Control no-store always;');
		expect(found).not.toContain('proxy_pass');
	});

	test('one whose tenant is suspended: the control plane, by its own name', () => {
		const found = block(
			config([tenant('erp.acme.com', { answer: { kind: 'app' } })]),
			'erp.acme.com'
		);
		expect(found).toContain('set $erp_host $host;');
		expect(found).toContain('proxy_pass http://10.10.0.5:4443;');
	});

	test('without a certificate: nothing on 443, and no redirect to it', () => {
		const text = config([tenant('erp.acme.com', { certificate: null })]);
		expect(block(text, 'erp.acme.com')).toBe('');
		expect(text).toContain('server_name erp.acme.com;');
		expect(text).not.toContain('return 307');
	});

	test('IPv6 is listened on where the server has it; a newer nginx is told of HTTP/2 its way', () => {
		expect(config([tenant('erp.acme.com')])).not.toContain('[::]');
		const text = config([tenant('erp.acme.com')], { ipv6: true, http2: 'directive' });
		expect(text).toContain('listen [::]:443 ssl default_server;');
		expect(block(text, 'erp.acme.com')).toContain('http2 on;');
	});
});

test('the same domains in another order are the same text', () => {
	const names = fc.uniqueArray(
		fc.domain().map((name) => name.toLowerCase()),
		{ maxLength: 20 }
	);
	fc.assert(
		fc.property(names, fc.nat(), (list, seed) => {
			const domains = list.map((name) => tenant(name));
			const turned = domains.toSorted((a, b) =>
				(a.hostname.length * seed) % 7 < (b.hostname.length * seed) % 7 ? -1 : 1
			);
			expect(config(turned)).toBe(config(domains));
		})
	);
});

test('nothing that is no name, address or certificate ever stands in a configuration', () => {
	const hostile = fc.oneof(
		fc.string({ unit: 'binary', minLength: 1 }),
		fc
			.tuple(
				fc.constantFrom('a.com', 'erp.acme.com', 'https://acme.com', ''),
				fc.constantFrom(';', ' ', '\n', '}', '{', '"', "'", '$host', '#', '\\', '*', '..', '%00'),
				fc.string()
			)
			.map((parts) => parts.join(''))
	);
	const clean = config([tenant('good.acme.com')]);
	fc.assert(
		fc.property(
			hostile,
			fc.constantFrom('hostname', 'host', 'to', 'ip', 'certificate'),
			(text, at) => {
				fc.pre(
					!isEdgeName(text) &&
						!/^https?:\/\/[a-z.]+$/.test(text) &&
						!/^[\d.]+$|^[\da-f:]+$/i.test(text)
				);
				const bad: Record<typeof at, EdgeDomain> = {
					hostname: tenant(text),
					host: tenant('x.com', { answer: { kind: 'tenant', ip: '10.0.0.1', host: text } }),
					to: tenant('x.com', { answer: { kind: 'redirect', to: text } }),
					ip: tenant('x.com', { answer: { kind: 'tenant', ip: text, host: 'acme.sajet.us' } }),
					certificate: tenant('x.com', { certificate: text })
				};
				// The hostile one is left out as a whole; its neighbour is served as if it were alone.
				expect(config([bad[at], tenant('good.acme.com')])).toBe(clean);
			}
		),
		{ numRuns: 2_000 }
	);
});

test('an address of the control plane that is none is refused', () => {
	const layout = DEBIAN_LAYOUT;
	for (const bad of [
		{ url: 'ftp://10.0.0.1', host: 'a.b' },
		{ url: 'http://10.0.0.1', host: 'a.b; return 200' }
	])
		expect(() => edgeConfig({ ...facts, app: bad, domains: [], layout })).toThrow(
			'of the control plane'
		);
	expect(() => edgeConfig({ ...facts, release: 'x;', domains: [], layout })).toThrow('release');
});
