import type { SandboxRequest } from '../kernel/http.ts';
import { invalid } from './errors.ts';
import type { ConfigValue } from './state.ts';

/** One parameter's rule, in the words of PVE's own schema. */
export interface Rule {
	type: 'string' | 'integer' | 'number' | 'boolean';
	optional?: boolean;
	minimum?: number;
	maximum?: number;
	pattern?: RegExp;
	enum?: readonly string[];
	minLength?: number;
	maxLength?: number;
}

export type Rules = Record<string, Rule>;

export const text: Rule = { type: 'string', optional: true };
export const flag: Rule = { type: 'boolean', optional: true };
export const count: Rule = { type: 'integer', optional: true, minimum: 0 };
export const vmid: Rule = { type: 'integer', minimum: 100, maximum: 999_999_999 };
const DNS_NAME =
	/^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/;
export const hostname: Rule = { type: 'string', optional: true, pattern: DNS_NAME, maxLength: 255 };

/** Configuration options of a container; `net`, `mp`, `dev` and `unused` stand for all their numbers. */
export const CONFIG_RULES: Rules = {
	arch: {
		type: 'string',
		optional: true,
		enum: ['amd64', 'i386', 'arm64', 'armhf', 'riscv32', 'riscv64']
	},
	cmode: { type: 'string', optional: true, enum: ['shell', 'console', 'tty'] },
	console: flag,
	cores: { type: 'integer', optional: true, minimum: 1, maximum: 8192 },
	cpulimit: { type: 'number', optional: true, minimum: 0, maximum: 8192 },
	cpuunits: { type: 'integer', optional: true, minimum: 0, maximum: 500_000 },
	debug: flag,
	description: { type: 'string', optional: true, maxLength: 8192 },
	features: text,
	hostname,
	memory: { type: 'integer', optional: true, minimum: 16 },
	nameserver: text,
	onboot: flag,
	ostype: {
		type: 'string',
		optional: true,
		enum: [
			'debian',
			'devuan',
			'ubuntu',
			'centos',
			'fedora',
			'opensuse',
			'archlinux',
			'alpine',
			'gentoo',
			'nixos',
			'unmanaged'
		]
	},
	protection: flag,
	rootfs: text,
	searchdomain: text,
	startup: text,
	swap: count,
	tags: {
		type: 'string',
		optional: true,
		pattern: /^[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*([;, ]+[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*)*$/
	},
	template: flag,
	timezone: text,
	tty: { type: 'integer', optional: true, minimum: 0, maximum: 6 },
	unprivileged: flag,
	net: { type: 'string', optional: true, pattern: /(^|,)name=[-_.\w]+(,|$)/ },
	mp: text,
	dev: text,
	unused: text
};

/**
 * Query and body, form or JSON, as flat text; booleans of JSON become 1 and 0.
 * @throws PveError 400 when a JSON body is not an object
 */
export function inputOf(request: SandboxRequest): Record<string, string> {
	const input: Record<string, string> = Object.fromEntries(request.query);
	if (request.body.length === 0) return input;
	const raw = request.body.toString('utf8');
	if (!(request.headers['content-type'] ?? '').startsWith('application/json')) {
		return { ...input, ...Object.fromEntries(new URLSearchParams(raw)) };
	}
	let parsed: unknown;
	try {
		parsed = JSON.parse(raw);
	} catch {
		throw invalid({ body: 'malformed JSON' });
	}
	if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
		throw invalid({ body: 'type check (object) failed' });
	}
	for (const [key, value] of Object.entries(parsed)) {
		input[key] = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
	}
	return input;
}

/** @throws PveError 400 with one text per wrong field, in PVE's words */
export function verify(input: Record<string, string>, rules: Rules): void {
	const errors: Record<string, string> = {};
	for (const [key, value] of Object.entries(input)) {
		const rule = ruleOf(key, rules);
		const problem = rule
			? problemOf(value, rule)
			: 'property is not defined in schema and the schema does not allow additional properties';
		if (problem) errors[key] = problem;
	}
	for (const [key, rule] of Object.entries(rules)) {
		if (!rule.optional && input[key] === undefined) {
			errors[key] = 'property is missing and it is not optional';
		}
	}
	if (Object.keys(errors).length > 0) throw invalid(errors);
}

function ruleOf(key: string, rules: Rules): Rule | undefined {
	if (Object.hasOwn(rules, key) && !['net', 'mp', 'dev', 'unused'].includes(key)) return rules[key];
	const numbered = /^(net|mp|dev|unused)\d+$/.exec(key);
	return numbered ? rules[numbered[1]!] : undefined;
}

function problemOf(value: string, rule: Rule): string | null {
	if (rule.type === 'boolean') {
		return toFlag(value) === null ? `type check ('boolean') failed - got '${value}'` : null;
	}
	if (rule.type === 'integer' || rule.type === 'number') {
		const number = Number(value);
		const whole = rule.type === 'number' || /^-?\d+$/.test(value);
		if (value.trim() === '' || Number.isNaN(number) || !whole) {
			return `type check ('${rule.type}') failed - got '${value}'`;
		}
		if (rule.minimum !== undefined && number < rule.minimum) {
			return `value must have a minimum value of ${rule.minimum}`;
		}
		if (rule.maximum !== undefined && number > rule.maximum) {
			return `value must have a maximum value of ${rule.maximum}`;
		}
		return null;
	}
	if (rule.enum && !rule.enum.includes(value)) {
		return `value '${value}' does not have a value in the enumeration '${rule.enum.join(', ')}'`;
	}
	if (rule.minLength !== undefined && value.length < rule.minLength) {
		return `value must be at least ${rule.minLength} characters long`;
	}
	if (rule.maxLength !== undefined && value.length > rule.maxLength) {
		return `value may only be ${rule.maxLength} characters long`;
	}
	if (rule.pattern && !rule.pattern.test(value)) return `value does not match the regex pattern`;
	return null;
}

/** PVE's idea of a boolean; null when it is none. */
export function toFlag(value: string | undefined): boolean | null {
	if (value === undefined) return false;
	if (/^(1|on|yes|true)$/i.test(value)) return true;
	return /^(0|off|no|false)$/i.test(value) ? false : null;
}

/** A configuration value as PVE keeps and prints it: numbers and booleans as numbers. */
export function configValue(key: string, value: string): ConfigValue {
	const rule = ruleOf(key, CONFIG_RULES);
	if (rule?.type === 'boolean') return toFlag(value) ? 1 : 0;
	return rule?.type === 'integer' || rule?.type === 'number' ? Number(value) : value;
}
