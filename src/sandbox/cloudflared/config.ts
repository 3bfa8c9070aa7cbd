import { parseDocument } from 'yaml';
import { ApiError } from '../cloudflare/envelope.ts';
import { configFrom } from '../cloudflare/ingress.ts';
import type { IngressRule } from '../cloudflare/state.ts';

export interface ReadConfig {
	tunnel: string | null;
	credentials: string | null;
	/** Null: the file has none. */
	rules: IngressRule[] | null;
	/** Keys at the top that cloudflared does not know. */
	unused: string[];
}

/** Keys of config.yml that appear in what we and people write; any other one is only warned of. */
const KNOWN = new Set([
	'tunnel',
	'credentials-file',
	'credentials-contents',
	'ingress',
	'originRequest',
	'warp-routing',
	'protocol',
	'loglevel',
	'logfile',
	'log-directory',
	'transport-loglevel',
	'metrics',
	'no-autoupdate',
	'autoupdate-freq',
	'grace-period',
	'retries',
	'region',
	'edge-ip-version',
	'edge-bind-address',
	'ha-connections',
	'pidfile',
	'tag',
	'origincert',
	'compression-quality',
	'post-quantum',
	'management-diagnostics'
]);

/** What cloudflared says when it cannot take a file. */
export class ConfigError extends Error {}

/**
 * Reads config.yml as cloudflared does.
 * @throws ConfigError with its sentence
 */
export function readConfig(path: string, text: string): ReadConfig {
	const document = parseDocument(text);
	const [broken] = document.errors;
	if (broken) {
		const line = broken.linePos?.[0].line ?? 1;
		const what = broken.message.split('\n')[0]!.replace(/ at line .*$/, '');
		throw new ConfigError(
			`error parsing YAML in config file at ${path}: yaml: line ${line}: ${what}`
		);
	}
	const content: unknown = document.toJS();
	if (typeof content !== 'object' || content === null || Array.isArray(content))
		throw new ConfigError(
			`error parsing YAML in config file at ${path}: yaml: unmarshal errors:\n  line 1: cannot unmarshal into config.configFileSettings`
		);
	const map = new Map<string, unknown>(Object.entries(content));
	const word = (key: string) => {
		const value = map.get(key);
		return typeof value === 'string' && value !== '' ? value : null;
	};
	return {
		tunnel: word('tunnel'),
		credentials: word('credentials-file'),
		rules: rulesOf(map.get('ingress'), map.get('originRequest')),
		unused: [...map.keys()].filter((key) => !KNOWN.has(key))
	};
}

function rulesOf(ingress: unknown, originRequest: unknown): IngressRule[] | null {
	if (ingress === undefined || ingress === null) return null;
	try {
		return configFrom({ ingress, ...(originRequest ? { originRequest } : {}) }).ingress ?? null;
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		throw new ConfigError(error.message.replace(/^Bad Configuration: /, 'Validation failed: '));
	}
}

const NO_RULES = "Validation failed: The config file doesn't contain any ingress rules";

/** `cloudflared tunnel ingress validate`. @returns what it prints, and whether it is content */
export function validate(
	path: string,
	text: string
): { ok: boolean; stdout: string; stderr: string } {
	const stdout = `Validating rules from ${path}\n`;
	try {
		const { rules, unused } = readConfig(path, text);
		if (!rules) return { ok: false, stdout, stderr: `${NO_RULES}\n` };
		if (unused.length === 0) return { ok: true, stdout: `${stdout}OK\n`, stderr: '' };
		const warning =
			'Warning: unused keys detected in your config file. Here is a list of unused keys:\n';
		const list = unused.map((key) => `  field ${key} not found in type config.configFileSettings`);
		return {
			ok: true,
			stdout: `${stdout}${warning}yaml: unmarshal errors:\n${list.join('\n')}\n`,
			stderr: ''
		};
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return { ok: false, stdout, stderr: `${error.message}\n` };
	}
}
