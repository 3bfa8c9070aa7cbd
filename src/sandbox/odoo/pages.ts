import type { DatabaseState } from './state.ts';

export interface PageContext {
	host: string;
	version: number;
}

export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:0;background:#f8f9fa;color:#212529}
main{max-width:340px;margin:9vh auto;background:#fff;border:1px solid #dee2e6;border-radius:8px;padding:28px}
label{display:block;margin:14px 0 4px}input{width:100%;box-sizing:border-box;padding:8px;border:1px solid #ced4da;border-radius:4px;font:inherit}
button{margin-top:18px;width:100%;padding:9px;border:0;border-radius:4px;background:#003B73;color:#fff;font:inherit;cursor:pointer}
.alert{margin-top:14px;padding:8px 10px;border-radius:4px;background:#f8d7da;color:#842029}h1{font-size:19px;margin:0 0 6px}
header{background:#003B73;color:#fff;padding:10px 18px;display:flex;gap:18px}header b{flex:1}
ul.apps{list-style:none;padding:40px;margin:0;display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(110px,1fr));text-align:center}
ul.apps li{background:#fff;border:1px solid #dee2e6;border-radius:10px;padding:22px 8px}`;

function page(title: string, lang: string, head: string, body: string): string {
	return `<!DOCTYPE html>
<html lang="${escapeHtml(lang.replace('_', '-'))}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Odoo">${head}<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

const WORDS = {
	es: {
		login: 'Correo electrónico',
		password: 'Contraseña',
		submit: 'Iniciar sesión',
		wrong: 'Inicio de sesión o contraseña incorrectos',
		logout: 'Cerrar sesión',
		apps: 'Aplicaciones'
	},
	en: {
		login: 'Email',
		password: 'Password',
		submit: 'Log in',
		wrong: 'Wrong login/password',
		logout: 'Log out',
		apps: 'Apps'
	}
};

function wordsOf(lang: string): (typeof WORDS)['en'] {
	return lang.startsWith('es') ? WORDS.es : WORDS.en;
}

/** The login page names its database in a hidden field and in `meta[name=odoo-database]`. */
export function loginPage(
	database: DatabaseState,
	context: PageContext,
	attempt?: { login: string; failed: boolean }
): string {
	const words = wordsOf(database.lang);
	const name = escapeHtml(database.name);
	return page(
		`${words.submit} | ${database.company.name}`,
		database.lang,
		`<meta name="odoo-database" content="${name}"><meta name="odoo-version" content="${context.version}.0">`,
		`<main><h1>${escapeHtml(database.company.name)}</h1>
<form class="oe_login_form" role="form" method="post" action="/web/login">
<input type="hidden" name="csrf_token" value="${name}"><input type="hidden" name="db" value="${name}">
<label for="login">${words.login}</label><input type="text" id="login" name="login" required autocomplete="username" autofocus value="${escapeHtml(attempt?.login ?? '')}">
<label for="password">${words.password}</label><input type="password" id="password" name="password" required autocomplete="current-password">
${attempt?.failed ? `<p class="alert alert-danger" role="alert">${words.wrong}</p>` : ''}
<input type="hidden" name="redirect"><button type="submit">${words.submit}</button></form></main>`
	);
}

const APPS: Record<string, [string, string]> = {
	mail: ['Conversaciones', 'Discuss'],
	contacts: ['Contactos', 'Contacts'],
	sale_management: ['Ventas', 'Sales'],
	account: ['Facturación', 'Invoicing'],
	stock: ['Inventario', 'Inventory']
};

export function homePage(
	database: DatabaseState,
	user: DatabaseState['users'][number],
	_context: PageContext
): string {
	const spanish = user.lang.startsWith('es');
	const words = wordsOf(user.lang);
	const installed = Object.keys(database.modules).flatMap((module) =>
		APPS[module] ? [APPS[module]] : []
	);
	const names = [
		...installed.map(([es, en]) => (spanish ? es : en)),
		words.apps,
		spanish ? 'Ajustes' : 'Settings'
	];
	return page(
		'Odoo',
		user.lang,
		`<meta name="odoo-database" content="${escapeHtml(database.name)}">`,
		`<header class="o_main_navbar"><b>${escapeHtml(database.company.name)}</b><span class="oe_topbar_name">${escapeHtml(user.name)}</span><a style="color:inherit" href="/web/session/logout">${words.logout}</a></header>
<ul class="apps o_apps">${names.map((name) => `<li class="o_app">${escapeHtml(name)}</li>`).join('')}</ul>`
	);
}

export function notFoundPage(): string {
	return '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n';
}

/** The database manager's page, with the error of the last act when there is one. */
export function managerPage(names: string[], context: PageContext, error?: string): string {
	const rows = names.map(
		(name) => `<li><a href="/web?db=${encodeURIComponent(name)}">${escapeHtml(name)}</a></li>`
	);
	return page(
		'Odoo',
		'en_US',
		'',
		`<main><h1>Databases (Odoo ${context.version})</h1>${error ? `<div class="alert alert-danger">${escapeHtml(error)}</div>` : ''}<ul>${rows.join('')}</ul></main>`
	);
}
