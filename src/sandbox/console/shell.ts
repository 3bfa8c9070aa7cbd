import { html, Html } from '../kernel/html.ts';
import type { SandboxResponse } from '../kernel/http.ts';

/** The frame of the console's pages. */
export function shell(title: string, body: Html): SandboxResponse {
	const page = html`<!doctype html>
		<html lang="es">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<link rel="icon" href="data:," />
				<title>${title} · Simulador</title>
				<style>
					${new Html(CSS)}
				</style>
			</head>
			<body>
				<header>
					<strong>Simulador de servicios</strong>
					<nav>${SECTIONS.map(([id, name]) => html`<a href="/#${id}">${name}</a>`)}</nav>
				</header>
				<main>${body}</main>
			</body>
		</html>`;
	return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page.text };
}

export const SECTIONS = [
	['correo', 'Correo'],
	['reloj', 'Reloj'],
	['pagos', 'Pagos'],
	['dns', 'DNS'],
	['nodos', 'Nodos'],
	['llamadas', 'Llamadas'],
	['fallas', 'Fallas']
] as const;

/** A button that calls the control API. */
export function act(
	label: string,
	path: string,
	back: string,
	fields: Record<string, string> = {},
	method = 'POST'
): Html {
	return html`<form method="post" action="/do" class="inline">
		<input type="hidden" name="_method" value="${method}" /><input
			type="hidden"
			name="_path"
			value="${path}"
		/><input type="hidden" name="_back" value="${back}" />${Object.entries(fields).map(
			([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`
		)}<button>${label}</button>
	</form>`;
}

/** A form for the control API with the fields that are put inside. */
export function form(label: string, path: string, back: string, fields: Html): Html {
	return html`<form method="post" action="/do" class="fields">
		<input type="hidden" name="_path" value="${path}" /><input
			type="hidden"
			name="_back"
			value="${back}"
		/>${fields}<button>${label}</button>
	</form>`;
}

export function field(label: string, name: string, placeholder = '', value = ''): Html {
	return html`<label
		>${label}<input name="${name}" placeholder="${placeholder}" value="${value}"
	/></label>`;
}

export function choice(label: string, name: string, options: readonly string[]): Html {
	return html`<label
		>${label}<select name="${name}">
			${options.map((option) => html`<option>${option}</option>`)}
		</select></label
	>`;
}

export function table(heads: string[], rows: Html[], empty: string): Html {
	if (!rows.length) return html`<p class="quiet">${empty}</p>`;
	return html`<div class="scroll">
		<table>
			<thead>
				<tr>
					${heads.map((head) => html`<th>${head}</th>`)}
				</tr>
			</thead>
			<tbody>
				${rows}
			</tbody>
		</table>
	</div>`;
}

export function moment(seconds: number): string {
	return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const CSS = `
*{box-sizing:border-box}body{margin:0;font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;background:#f3f6f9;color:#1a1f26}
header{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center;background:#003b73;color:#fff;padding:10px 20px}
nav{display:flex;flex-wrap:wrap;gap:4px 14px}nav a{color:#b3cde0;padding:6px 0}
main{max-width:1240px;margin:0 auto;padding:16px}
section{background:#fff;border:1px solid #d5dce3;border-radius:10px;padding:16px;margin:0 0 14px;scroll-margin-top:64px}
h1{font-size:20px;margin:4px 0 12px}h2{font-size:16px;margin:0 0 10px}h3{font-size:14px;margin:16px 0 6px}
.scroll{overflow-x:auto}table{width:100%;border-collapse:collapse;font-size:13px}
td,th{text-align:left;padding:7px 8px;border-bottom:1px solid #e3e8ed;vertical-align:top}th{color:#6c757d;font-weight:600}
code,pre{font:12.5px ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f3f6f9;padding:10px;border-radius:6px;margin:6px 0}
td:first-child{white-space:nowrap}a{color:#003b73}.quiet{color:#6c757d}.error{background:#fdecec;border:1px solid #ef4444;color:#8a1c1c;border-radius:6px;padding:10px}
button{border:1px solid #80abcb;background:#fff;color:#003b73;border-radius:6px;padding:7px 12px;font:inherit;font-weight:600;cursor:pointer;min-height:34px}
button:focus-visible,a:focus-visible,input:focus-visible,select:focus-visible{outline:3px solid #80abcb}
.inline{display:inline-block;margin:2px 6px 2px 0}.fields{display:flex;flex-wrap:wrap;gap:10px;align-items:end;margin:10px 0}
label{display:grid;gap:2px;font-size:12px;color:#4a545e}input,select{padding:7px 8px;border:1px solid #b9c3cd;border-radius:6px;font:inherit;min-height:34px}
iframe{width:100%;height:60vh;border:1px solid #d5dce3;border-radius:6px;background:#fff}summary{cursor:pointer}
@media(max-width:600px){button{min-height:44px}main{padding:10px}.fields label{flex:1 1 100%}}
`;
