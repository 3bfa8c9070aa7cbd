import { isIP, isIPv6 } from 'node:net';
import { CONTAINER_PORT } from '../tunnels/ingress.ts';

/** Where an edge's nginx keeps what we write, and what it listens on. */
export interface EdgeLayout {
	/** Folder of our files on the edge: `releases/<id>/nginx.conf` and `certs/<id>.pem`, `.key`. */
	root: string;
	pid: string;
	/** The account of the workers; null leaves nginx as whom it was started. */
	user: string | null;
	/** Dynamic modules of the distribution; null for none. */
	modules: string | null;
	httpPort: number;
	httpsPort: number;
	/** On loopback: answers which release the workers serve. */
	statusPort: number;
	/** Of the nginx in a tenant's container. */
	containerPort: number;
	errorLog: string;
	accessLog: string;
	/** Where bodies and answers wait that do not fit into memory; null: nginx's own places. */
	temporary: string | null;
}

/** A Debian with its own nginx package. */
export const DEBIAN_LAYOUT: EdgeLayout = {
	root: '/etc/nginx/erp-core',
	pid: '/run/nginx.pid',
	user: 'www-data',
	modules: '/etc/nginx/modules-enabled/*.conf',
	httpPort: 80,
	httpsPort: 443,
	statusPort: 8089,
	containerPort: CONTAINER_PORT,
	errorLog: '/var/log/nginx/error.log',
	accessLog: '/var/log/nginx/access.log',
	temporary: null
};

/** What answers for a name. */
export type EdgeAnswer =
	/** The tenant's container; `host` is the platform's name of it, which finds the database. */
	| { kind: 'tenant'; ip: string; host: string }
	/** The control plane, which says why by Host. */
	| { kind: 'app' }
	/** Another host of the same instance: its origin, `https://acme.com`. */
	| { kind: 'redirect'; to: string };

export interface EdgeDomain {
	hostname: string;
	answer: EdgeAnswer;
	/** Id of its certificate under `certs/`; null: there is none, so that nothing of it is served on 443. */
	certificate: string | null;
}

export interface EdgeFacts {
	/** Changes with everything that is served; answered on the status port. */
	release: string;
	domains: EdgeDomain[];
	/** Where the edge reaches the control plane, `http://10.10.0.5:4443`, and the Host that it answers as itself. */
	app: { url: string; host: string };
	/** The server has public IPv6 addresses. */
	ipv6: boolean;
	/** nginx ≥ 1.25.1 has a directive for HTTP/2 and warns of the older form. */
	http2: 'directive' | 'listen';
	layout: EdgeLayout;
}

/** Largest upload: a module or a database that people import. The container's nginx has the same limit. */
const LARGEST_BODY = '512m';
/** Odoo's longest request, as its documentation sets it for reports and imports. */
const LONGEST_ANSWER = '720s';

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})+$`);
const ORIGIN = new RegExp(
	`^https?://(?=[^:]{1,253}(?::|$))${LABEL}(?:\\.${LABEL})+(?::[0-9]{1,5})?$`
);

/** True for a whole host name in lower case and punycode: nothing else gets into a configuration. */
export function isEdgeName(name: string): boolean {
	return NAME.test(name);
}

/** True when every name and address of a domain may stand in a configuration. */
export function isEdgeDomain({ hostname, answer, certificate }: EdgeDomain): boolean {
	if (!isEdgeName(hostname)) return false;
	if (certificate !== null && !/^[0-9a-f]{16,64}$/.test(certificate)) return false;
	if (answer.kind === 'tenant') return isIP(answer.ip) > 0 && isEdgeName(answer.host);
	return answer.kind === 'app' || ORIGIN.test(answer.to);
}

/** The certificate of a domain on the edge; the key stands beside it as `.key`. */
export function certificatePath(layout: EdgeLayout, certificate: string): string {
	return `${layout.root}/certs/${certificate}.pem`;
}

/**
 * The whole nginx.conf of an edge. The same facts always give the same text, whatever their order; a domain with
 * something in it that is no name or address is left out, so that nobody's text becomes a directive.
 * @throws {Error} when the app's address or the release is none
 */
export function edgeConfig(facts: EdgeFacts): string {
	const { app, layout, release } = facts;
	if (!/^[0-9a-f]{1,64}$/.test(release)) throw new Error('not a release');
	const url = new URL(app.url);
	if (!/^https?:$/.test(url.protocol) || !/^[\w.:[\]-]+$/.test(url.host))
		throw new Error(`not an address of the control plane: ${app.url}`);
	if (!/^[\w.-]+$/.test(app.host)) throw new Error(`not a host of the control plane: ${app.host}`);
	const origin = url.origin;
	const domains = facts.domains
		.filter(isEdgeDomain)
		.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1));
	const secured = domains.filter(({ certificate }) => certificate !== null);
	const bare = domains.filter(({ certificate }) => certificate === null);
	const listen = (port: number, options: string) =>
		lines(
			`\t\tlisten ${port}${options};`,
			facts.ipv6 ? `\t\tlisten [::]:${port}${options};` : null
		);
	const ssl = facts.http2 === 'listen' ? ' ssl http2' : ' ssl';
	const challenge = lines(
		'\t\tlocation ^~ /.well-known/acme-challenge/ {',
		`\t\t\tset $erp_host ${app.host};`,
		`\t\t\tproxy_pass ${origin};`,
		'\t\t}'
	);
	const plain = (names: EdgeDomain[], rest: string) =>
		names.length === 0
			? null
			: lines(
					'\tserver {',
					listen(layout.httpPort, ''),
					...names.map(({ hostname }) => `\t\tserver_name ${hostname};`),
					challenge,
					'\t\tlocation / {',
					'\t\t\tadd_header Cache-Control no-store always;',
					rest,
					'\t\t}',
					'\t}'
				);
	return `${lines(
		preamble(facts),
		'\tserver {',
		`\t\tlisten 127.0.0.1:${layout.statusPort};`,
		'\t\taccess_log off;',
		'\t\tlocation = /release {',
		'\t\t\tdefault_type text/plain;',
		`\t\t\treturn 200 ${release};`,
		'\t\t}',
		'\t\tlocation / {',
		'\t\t\treturn 404;',
		'\t\t}',
		'\t}',
		// Whoever asks for a name that is not here learns nothing, except the authority that checks one of ours.
		'\tserver {',
		listen(layout.httpPort, ' default_server'),
		'\t\tserver_name _;',
		challenge,
		'\t\tlocation / {',
		'\t\t\treturn 444;',
		'\t\t}',
		'\t}',
		'\tserver {',
		listen(layout.httpsPort, `${ssl} default_server`),
		'\t\tserver_name _;',
		'\t\tssl_reject_handshake on;',
		'\t\treturn 444;',
		'\t}',
		plain(bare, '\t\t\treturn 503;'),
		plain(secured, `\t\t\treturn 307 https://$host${publicPort(layout)}$request_uri;`),
		...secured.map((domain) =>
			lines(
				'\tserver {',
				listen(layout.httpsPort, ssl),
				facts.http2 === 'directive' ? '\t\thttp2 on;' : null,
				`\t\tserver_name ${domain.hostname};`,
				`\t\tssl_certificate ${certificatePath(layout, domain.certificate ?? '')};`,
				`\t\tssl_certificate_key ${certificatePath(layout, domain.certificate ?? '').replace(/pem$/, 'key')};`,
				answered(domain, facts.layout, origin),
				'\t}'
			)
		),
		'}'
	)}\n`;
}

function lines(...parts: (string | null)[]): string {
	return parts.filter((part) => part !== null).join('\n');
}

/** What holds for every server: who runs it, what is told of the visitor, and for how long is waited. */
function preamble({ layout, release }: EdgeFacts): string {
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) =>
		layout.temporary ? `\t${name}_temp_path ${layout.temporary}/${name};` : null
	);
	return lines(
		`# Release ${release}. ERP Core writes this file: what is changed here is overwritten.`,
		layout.user ? `user ${layout.user};` : null,
		'worker_processes auto;',
		'worker_rlimit_nofile 65536;',
		// A WebSocket would otherwise keep the workers of an old release for days.
		'worker_shutdown_timeout 1h;',
		`pid ${layout.pid};`,
		`error_log ${layout.errorLog} warn;`,
		layout.modules ? `include ${layout.modules};` : null,
		'events {',
		'\tworker_connections 16384;',
		'}',
		'http {',
		`\taccess_log ${layout.accessLog};`,
		...temporary,
		'\tserver_tokens off;',
		// The longest name that DNS knows, and ten thousand of them.
		'\tserver_names_hash_bucket_size 512;',
		'\tserver_names_hash_max_size 32768;',
		'\tvariables_hash_max_size 2048;',
		'\tssl_protocols TLSv1.2 TLSv1.3;',
		'\tssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;',
		'\tssl_prefer_server_ciphers off;',
		'\tssl_session_cache shared:erp_tls:20m;',
		'\tssl_session_timeout 1d;',
		'\tssl_session_tickets off;',
		`\tclient_max_body_size ${LARGEST_BODY};`,
		'\tclient_body_timeout 120s;',
		'\tkeepalive_timeout 75s;',
		'\tproxy_http_version 1.1;',
		'\tproxy_connect_timeout 10s;',
		`\tproxy_send_timeout ${LONGEST_ANSWER};`,
		`\tproxy_read_timeout ${LONGEST_ANSWER};`,
		'\tproxy_buffers 16 64k;',
		'\tproxy_buffer_size 128k;',
		'\tproxy_busy_buffers_size 128k;',
		'\tproxy_redirect off;',
		// Only a WebSocket may leave HTTP, and only where Odoo has one: any other upgrade would be a way around us.
		'\tmap "$uri $http_upgrade" $erp_upgrade {',
		'\t\tdefault "";',
		'\t\t"~*^/(websocket|longpolling)(/.*)? websocket$" websocket;',
		'\t}',
		'\tmap $erp_upgrade $erp_connection {',
		'\t\tdefault upgrade;',
		'\t\t"" "";',
		'\t}',
		// Set, never appended: what a visitor claims about itself stays outside.
		'\tproxy_set_header Host $erp_host;',
		'\tproxy_set_header X-Forwarded-Host $erp_host;',
		'\tproxy_set_header X-Forwarded-Proto $scheme;',
		'\tproxy_set_header X-Forwarded-For $remote_addr;',
		'\tproxy_set_header X-Real-IP $remote_addr;',
		'\tproxy_set_header Forwarded "";',
		'\tproxy_set_header CF-Connecting-IP "";',
		'\tproxy_set_header Upgrade $erp_upgrade;',
		'\tproxy_set_header Connection $erp_connection;'
	);
}

/** What follows a host in our redirects; nothing, except in tests. */
function publicPort({ httpsPort }: EdgeLayout): string {
	return httpsPort === 443 ? '' : `:${httpsPort}`;
}

function answered({ hostname, answer }: EdgeDomain, layout: EdgeLayout, origin: string): string {
	const port = publicPort(layout);
	if (answer.kind === 'redirect') {
		return lines(
			'\t\tlocation / {',
			'\t\t\tadd_header Cache-Control no-store always;',
			`\t\t\treturn 307 ${answer.to}$request_uri;`,
			'\t\t}'
		);
	}
	if (answer.kind === 'app') {
		return lines(
			'\t\tset $erp_host $host;',
			'\t\tlocation / {',
			`\t\t\tproxy_pass ${origin};`,
			'\t\t}'
		);
	}
	const ip = isIPv6(answer.ip) ? `[${answer.ip}]` : answer.ip;
	const inner = answer.host.replaceAll('.', '\\.');
	return lines(
		`\t\tset $erp_host ${answer.host};`,
		// A longer name that begins like ours is somebody else's: only the whole one is put back.
		`\t\tproxy_redirect ~^https?://${inner}(?::[0-9]+)?(/.*)?$ https://${hostname}${port}$1;`,
		`\t\tproxy_cookie_domain ${answer.host} ${hostname};`,
		'\t\tlocation ~ ^/(websocket|longpolling)(/|$) {',
		'\t\t\tproxy_read_timeout 1h;',
		'\t\t\tproxy_buffering off;',
		`\t\t\tproxy_pass http://${ip}:${layout.containerPort};`,
		'\t\t}',
		'\t\tlocation / {',
		`\t\t\tproxy_pass http://${ip}:${layout.containerPort};`,
		'\t\t}'
	);
}
