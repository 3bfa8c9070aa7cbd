import { Recordset, type Row, type Table } from './orm.ts';
import { denied, mayDo } from './privileges.ts';
import { PythonError, show, truthy, type Value } from './python-values.ts';
import { hashPassword, type DatabaseState } from './state.ts';

const COUNTRIES =
	'AR BO BR CA CL CO CR CU DE DO EC ES FR GB GT HN IT MX NI PA PE PR PT PY SV US UY VE'.split(' ');

/** Tables of one working copy of a database, by model. */
export function tablesOf(database: DatabaseState): Record<string, Table> {
	const country = (id: number | undefined) => COUNTRIES[(id ?? 0) - 1] ?? '';
	const tables: Record<string, Table> = {
		'ir.config_parameter': parameters(database),
		'res.users': users(database),
		'res.country': {
			model: 'res.country',
			rows: () =>
				COUNTRIES.map((code, index) => ({
					id: index + 1,
					read: (field) => (field === 'code' || field === 'name' ? code : undefined)
				}))
		},
		'res.lang': {
			model: 'res.lang',
			rows: () =>
				database.langs.map((code, index) => ({
					id: index + 1,
					read: (field) => ({ code, active: true, name: code })[field]
				})),
			methods: {
				_activate_lang: (_records, [code]) => {
					const name = String(code);
					if (!database.langs.includes(name)) database.langs.push(name);
					return true;
				}
			}
		},
		'ir.module.module': {
			model: 'ir.module.module',
			rows: () =>
				Object.entries(database.modules).map(([name, state], index) => ({
					id: index + 1,
					read: (field) => ({ name, state })[field]
				})),
			methods: {
				button_immediate_install: (records) => {
					for (const row of records.rows) database.modules[String(row.read('name'))] = 'installed';
					return true;
				}
			}
		}
	};
	tables['res.company'] = {
		model: 'res.company',
		rows: () => [
			{
				id: 1,
				read: (field) => {
					if (field === 'country_id') {
						const all = tables['res.country']!;
						return new Recordset(
							all,
							all.rows().filter((row) => row.read('code') === database.company.country)
						);
					}
					if (field === 'country_code') return database.company.country || false;
					return field === 'name' || field === 'email' || field === 'phone'
						? database.company[field] || false
						: undefined;
				},
				write: (field, value) => {
					if (field === 'country_id') database.company.country = country(Number(value));
					else if (field === 'name' || field === 'email' || field === 'phone')
						database.company[field] = String(value || '');
					else throw unknownField('res.company', field);
				}
			}
		]
	};
	return Object.fromEntries(
		Object.entries(tables).map(([model, table]) => [model, guarded(database, table)])
	);
}

/** Methods that change rows, and what for. */
const CHANGING: Record<string, string> = {
	_activate_lang: 'UPDATE',
	button_immediate_install: 'UPDATE',
	set_param: 'UPDATE'
};

/** A table as Odoo's role finds it: what was revoked is refused by PostgreSQL. */
function guarded(database: DatabaseState, table: Table): Table {
	const name = table.model.replaceAll('.', '_');
	const expect = (privilege: string) => {
		if (!mayDo(database, name, privilege))
			throw new PythonError('psycopg2.errors.InsufficientPrivilege', denied(name));
	};
	const { create, remove, methods } = table;
	return {
		...table,
		rows: () =>
			table.rows().map(({ write, ...row }) => ({
				...row,
				...(write && {
					write: (field, value) => {
						expect('UPDATE');
						write(field, value);
					}
				})
			})),
		...(create && {
			create: (values) => {
				expect('INSERT');
				return create(values);
			}
		}),
		...(remove && {
			remove: (id) => {
				expect('DELETE');
				remove(id);
			}
		}),
		...(methods && {
			methods: Object.fromEntries(
				Object.entries(methods).map(([verb, run]): [string, typeof run] => [
					verb,
					(records, args, named) => {
						if (CHANGING[verb]) expect(CHANGING[verb]);
						return run(records, args, named);
					}
				])
			)
		})
	};
}

function unknownField(model: string, field: string): PythonError {
	return new PythonError('ValueError', `Invalid field '${field}' on model '${model}'`);
}

function parameters(database: DatabaseState): Table {
	return {
		model: 'ir.config_parameter',
		rows: () =>
			Object.entries(database.parameters).map(([key, value], index) => ({
				id: index + 1,
				read: (field) => ({ key, value })[field],
				write: (field, next) => {
					if (field === 'value') database.parameters[key] = show(next);
				}
			})),
		remove: (id) => {
			const key = Object.keys(database.parameters)[id - 1];
			if (key !== undefined) delete database.parameters[key];
		},
		methods: {
			get_param: (_records, [key, otherwise]) =>
				database.parameters[String(key)] ?? otherwise ?? false,
			set_param: (_records, [key, value]) => {
				const before = database.parameters[String(key)] ?? false;
				// A false value removes the row, as the real one does.
				if (value === false || value === null) delete database.parameters[String(key)];
				else database.parameters[String(key)] = show(value ?? '');
				return before;
			}
		}
	};
}

function users(database: DatabaseState): Table {
	const row = (user: DatabaseState['users'][number]): Row => ({
		id: user.id,
		read: (field) => {
			if (field === 'password') return '';
			return (
				{
					login: user.login,
					name: user.name,
					email: user.email || false,
					lang: user.lang,
					active: user.active
				} as Record<string, Value>
			)[field];
		},
		write: (field, value) => {
			if (field === 'password') user.password = hashPassword(String(value));
			else if (field === 'active') user.active = truthy(value);
			else if (field === 'login') {
				const login = String(value);
				if (database.users.some((other) => other.login === login && other.id !== user.id)) {
					throw new PythonError(
						'odoo.exceptions.ValidationError',
						'You can not have two users with the same login!'
					);
				}
				user.login = login;
			} else if (field === 'lang') {
				if (!database.langs.includes(String(value))) {
					throw new PythonError('ValueError', `Wrong value for res.users.lang: '${show(value)}'`);
				}
				user.lang = String(value);
			} else if (field === 'name' || field === 'email') user[field] = String(value);
			else if (field !== 'tz' && field !== 'company_id' && field !== 'phone')
				throw unknownField('res.users', field);
		}
	});
	return {
		model: 'res.users',
		rows: () => database.users.map(row),
		create: (values) => {
			const id = Math.max(...database.users.map((user) => user.id)) + 1;
			const user = {
				id,
				login: '',
				name: '',
				email: '',
				lang: database.lang,
				active: true,
				password: ''
			};
			const created = row(user);
			for (const [field, value] of values) created.write!(String(field), value);
			database.users.push(user);
			return created;
		},
		remove: (id) => {
			database.users = database.users.filter((user) => user.id !== id);
		}
	};
}
