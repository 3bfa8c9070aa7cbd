import { randomBytes } from 'node:crypto';
import type { SandboxResponse } from '../kernel/http.ts';

interface Page {
	status: number;
	/** Cloudflare's own number (1033); the HTTP status when it has none. */
	code: number;
	title: string;
	what: string;
	owner: string;
}

const visited = (host: string) =>
	`You've requested a page on a website (${host}) that is on the <a href="https://www.cloudflare.com/5xx-error-landing">Cloudflare</a> network.`;

const PAGES: Record<number, (host: string) => Page> = {
	1000: (host) => ({
		status: 403,
		code: 1000,
		title: 'DNS points to prohibited IP',
		what: `${visited(host)} Unfortunately, it is resolving to an IP address that is creating a conflict within Cloudflare's system.`,
		owner:
			'Check the A records of this domain: they must not point to a private or reserved address.'
	}),
	1001: (host) => ({
		status: 409,
		code: 1001,
		title: 'DNS resolution error',
		what: `${visited(host)} Cloudflare is currently unable to resolve your requested domain (${host}).`,
		owner: 'The domain is not configured on Cloudflare, or its configuration has not spread yet.'
	}),
	1003: (host) => ({
		status: 403,
		code: 1003,
		title: 'Direct IP access not allowed',
		what: `You've requested an IP address (${host}) that is part of the <a href="https://www.cloudflare.com/5xx-error-landing">Cloudflare</a> network. A valid Host header must be supplied to reach the desired website.`,
		owner: 'Open the site by its name; in the sandbox, by its name below localhost.'
	}),
	1016: (host) => ({
		status: 530,
		code: 1016,
		title: 'Origin DNS error',
		what: `${visited(host)} Cloudflare is currently unable to resolve your requested domain (${host}).`,
		owner:
			'Check the DNS settings of this host, or whether the custom hostname and its fallback origin are active.'
	}),
	1033: (host) => ({
		status: 530,
		code: 1033,
		title: 'Cloudflare Tunnel error',
		what: `${visited(host)} The host (${host}) is configured as a Cloudflare Tunnel, and Cloudflare is currently unable to resolve it.`,
		owner:
			'Ensure that cloudflared is running and can reach the network. You may wish to enable load balancing for your tunnel.'
	}),
	502: (host) => ({
		status: 502,
		code: 502,
		title: 'Bad gateway',
		what: `The web server of ${host} reported a bad gateway error.`,
		owner:
			'Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared.'
	}),
	522: (host) => ({
		status: 522,
		code: 522,
		title: 'Connection timed out',
		what: `The initial connection between Cloudflare's network and the origin web server of ${host} timed out.`,
		owner:
			'Contact your hosting provider letting them know your web server is not completing requests.'
	}),
	524: (host) => ({
		status: 524,
		code: 524,
		title: 'A timeout occurred',
		what: `The origin web server of ${host} timed out responding to this request.`,
		owner: 'The connection was made, but the origin did not answer in time.'
	})
};

/** One of Cloudflare's error pages; a client that wants no HTML gets the plain line `error code: N`. */
export function errorPage(code: number, host: string, accept: string, at: Date): SandboxResponse {
	const page = (PAGES[code] ?? PAGES[502]!)(escaped(host));
	const ray = randomBytes(8).toString('hex');
	const headers = {
		server: 'cloudflare',
		'cf-ray': `${ray}-MIA`,
		'cache-control': 'private, max-age=0, no-store, no-cache, must-revalidate',
		'referrer-policy': 'same-origin',
		'x-frame-options': 'SAMEORIGIN'
	};
	if (!accept.includes('text/html')) {
		return {
			status: page.status,
			headers: { ...headers, 'content-type': 'text/plain; charset=UTF-8' },
			body: `error code: ${page.code}`
		};
	}
	return {
		status: page.status,
		headers: { ...headers, 'content-type': 'text/html; charset=UTF-8' },
		body: html(page, escaped(host), ray, at)
	};
}

function html(page: Page, host: string, ray: string, at: Date): string {
	const utc = at.toISOString().slice(0, 19).replace('T', ' ');
	const heading = page.code >= 1000 ? `Error ${page.code}` : page.title;
	const subtitle = page.code >= 1000 ? page.title : `Error code ${page.code}`;
	return `<!DOCTYPE html>
<html lang="en-US">
<head>
<title>${page.title} | ${host} | Cloudflare</title>
<meta charset="UTF-8">
<meta name="robots" content="noindex, nofollow">
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;color:#404040;background:#fff}
main{max-width:60rem;margin:0 auto;padding:3rem 1.5rem}
h1{font-weight:300;font-size:3.2rem;line-height:1.1;margin:0}
h1 small{font-size:.9rem;font-weight:400;color:#595959}
h2.sub{font-weight:300;font-size:1.7rem;color:#595959;margin:.2rem 0 2.5rem}
section{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:2rem;border-top:1px solid #ebebeb;padding-top:1rem}
section h2{font-weight:400;font-size:1.6rem;margin:.5rem 0}
footer{border-top:1px solid #ebebeb;margin-top:3rem;padding-top:1rem;font-size:.8rem;text-align:center;color:#595959}
a{color:#2f7bbf}
</style>
</head>
<body>
<main id="cf-error-details">
<h1>${heading} <small>Ray ID: ${ray} &bull; ${utc} UTC</small></h1>
<h2 class="sub">${subtitle}</h2>
<section>
<div><h2>What happened?</h2><p>${page.what}</p></div>
<div><h2>What can I do?</h2>
<p><strong>If you are a visitor of this website:</strong><br>Please try again in a few minutes.</p>
<p><strong>If you are the owner of this website:</strong><br>${page.owner}</p></div>
</section>
<footer>Cloudflare Ray ID: <strong>${ray}</strong> &bull; Performance &amp; security by Cloudflare</footer>
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
	return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
