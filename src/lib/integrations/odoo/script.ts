/** What `configure` changes in a database; what is left out stays. */
export interface DatabaseSettings {
	admin?: { login: string; password: string; name?: string; email?: string };
	/** `es_MX`: activated, and the administrator's. */
	lang?: string;
	/** Of the company: ISO 3166 alpha-2 for the country. */
	company?: { name?: string; country?: string };
	/** System parameters; null removes one. */
	parameters?: Record<string, string | null>;
}

/** Starts the line that carries a script's result; everything else on stdout is the server's talk. */
export const RESULT = 'ERPCORE:';

/**
 * The script for `odoo shell` on stdin. Everything that came from a person is inside one base64 literal, whose alphabet
 * cannot end a string: no input can become code, and nothing of it is in the process list.
 */
export function configureScript(settings: DatabaseSettings): string {
	const literal = Buffer.from(JSON.stringify(settings)).toString('base64');
	return `import base64, json
data = json.loads(base64.b64decode('${literal}').decode('utf-8'))
admin = env.ref('base.user_admin')
values = {}
lang = data.get('lang')
if lang:
    env['res.lang']._activate_lang(lang)
    values['lang'] = lang
for key, value in data.get('admin', {}).items():
    values[key] = value
if values:
    admin.write(values)
company = data.get('company', {})
if company.get('name'):
    env.company.write({'name': company['name']})
if company.get('country'):
    country = env['res.country'].search([('code', '=', company['country'])], limit=1)
    if country:
        env.company.write({'country_id': country.id})
parameters = env['ir.config_parameter'].sudo()
for key, value in data.get('parameters', {}).items():
    parameters.set_param(key, value or False)
env.cr.commit()
print('${RESULT}' + json.dumps({'login': admin.login, 'lang': admin.lang}))
`;
}

/** The settings as they may be recorded. */
export function redacted(settings: DatabaseSettings): unknown {
	return settings.admin ? { ...settings, admin: { ...settings.admin, password: '***' } } : settings;
}
