import { html, Html } from '../../kernel/html.ts';
import type { SandboxResponse } from '../../kernel/http.ts';

/** A whole page without scripts. */
export function document(lang: string, title: string, body: Html, status = 200): SandboxResponse {
	const page = html`<!doctype html>
		<html lang="${lang}">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<link rel="icon" href="data:," />
				<title>${title}</title>
				<style>
					${new Html(CSS)}
				</style>
			</head>
			<body>
				${body}
			</body>
		</html>`;
	return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page.text };
}

export function redirect(location: string): SandboxResponse {
	return { status: 303, headers: { location }, body: null };
}

export function amount(minor: number | null, currency: string | null, lang: string): string {
	if (minor === null || !currency) return '';
	return new Intl.NumberFormat(lang === 'es' ? 'es-419' : 'en-US', {
		style: 'currency',
		currency
	}).format(minor / 100);
}

export function day(seconds: number, lang: string): string {
	return new Date(seconds * 1000).toLocaleDateString(lang === 'es' ? 'es-419' : 'en-US', {
		day: 'numeric',
		month: 'long',
		year: 'numeric',
		timeZone: 'UTC'
	});
}

const CSS = `
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:#1a1f26;background:#fff}
a{color:#003b73}
.split{display:grid;grid-template-columns:1fr 1fr;min-height:100vh}
.split>*{padding:48px 6vw}
.summary{background:#003b73;color:#fff}
.summary a{color:#b3cde0}
.summary .total{font-size:36px;font-weight:600;margin:4px 0 28px;font-variant-numeric:tabular-nums}
.row{display:flex;justify-content:space-between;gap:16px;padding:12px 0;border-top:1px solid rgba(128,171,203,.35)}
.row small{display:block;opacity:.8}
.tag{display:inline-block;background:#ffd591;color:#5b3a00;border-radius:4px;padding:1px 8px;font-size:12px;font-weight:600}
main.one{max-width:720px;margin:0 auto;padding:40px 20px}
h1{font-size:22px;margin:0 0 20px}h2{font-size:16px;margin:28px 0 8px}
label{display:block;font-size:13px;font-weight:600;margin:14px 0 4px}
input:not([type=radio]),select{width:100%;padding:11px 12px;border:1px solid #b9c3cd;border-radius:6px;font:inherit;background:#fff;color:inherit}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #80abcb;outline-offset:1px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:12px}
.choice{display:flex;gap:10px;align-items:center;font-weight:500;border:1px solid #d5dce3;border-radius:6px;padding:11px 12px;margin:8px 0}
button{width:100%;margin-top:22px;padding:13px;border:0;border-radius:6px;background:#003b73;color:#fff;font:inherit;font-weight:600;cursor:pointer}
button:hover{background:#003265}
button.quiet{background:#fff;color:#003b73;border:1px solid #80abcb}
button.small{width:auto;margin:0;padding:7px 14px}
.error{background:#fdecec;border:1px solid #ef4444;color:#8a1c1c;border-radius:6px;padding:10px 14px;margin:0 0 16px}
.note{background:#f3f6f9;border-radius:6px;padding:10px 14px;font-size:13px;margin-top:24px}
table{width:100%;border-collapse:collapse;font-size:14px}
td,th{text-align:left;padding:8px 6px;border-bottom:1px solid #e3e8ed}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
code{font-family:ui-monospace,monospace;font-size:13px}
@media(max-width:760px){.split{grid-template-columns:1fr;min-height:0}.split>*{padding:28px 20px}}
`;
