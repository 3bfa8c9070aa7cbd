import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * A proxy for apt that keeps every package it has fetched: the container needs no way out of its own, and a second run
 * needs no network.
 * @param address of the bridge that the container sees
 */
export async function packageProxy(
	address: string,
	folder: string
): Promise<{ url: string; close(): Promise<void> }> {
	mkdirSync(folder, { recursive: true });
	const outer = outerProxy();
	const server = createServer((asked, answer) => {
		forward(asked, answer, folder, outer);
	});
	await new Promise<void>((resolve) => server.listen(0, address, resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://${address}:${port}`,
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			})
	};
}

function forward(
	asked: IncomingMessage,
	answer: ServerResponse,
	folder: string,
	outer: URL | null
): void {
	const url = asked.url ?? '';
	if (asked.method !== 'GET' || !url.startsWith('http://')) {
		answer.writeHead(405).end();
		return;
	}
	// Packages never change under their name; lists do.
	const lasting = /\.deb$/.test(url);
	const kept = join(folder, createHash('sha256').update(url).digest('hex'));
	if (lasting && existsSync(kept)) {
		answer.writeHead(200, { 'content-type': 'application/octet-stream' }).end(readFileSync(kept));
		return;
	}
	const target = new URL(url);
	const { host: _host, 'proxy-connection': _proxy, ...headers } = asked.headers;
	const onward = request(
		outer
			? {
					host: outer.hostname,
					port: outer.port,
					path: url,
					headers: { ...headers, host: target.host }
				}
			: {
					host: target.hostname,
					port: target.port || 80,
					path: target.pathname,
					headers: { ...headers, host: target.host }
				},
		(found) => {
			answer.writeHead(found.statusCode ?? 502, found.headers);
			found.pipe(answer);
			if (!lasting || found.statusCode !== 200) return;
			const part = `${kept}.${process.pid}.part`;
			found.pipe(createWriteStream(part)).on('finish', () => {
				if (found.complete) renameSync(part, kept);
			});
		}
	);
	onward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
	onward.end();
}

/** The proxy that this machine's own apt goes through. */
function outerProxy(): URL | null {
	const said = execFileSync('apt-config', ['shell', 'PROXY', 'Acquire::http::Proxy'], {
		encoding: 'utf8'
	});
	const url = /PROXY='([^']+)'/.exec(said)?.[1] ?? process.env.http_proxy;
	return url && URL.canParse(url) ? new URL(url) : null;
}
