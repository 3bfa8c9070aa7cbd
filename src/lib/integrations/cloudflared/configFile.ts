import { isDeepStrictEqual } from 'node:util';
import { isMap, parseDocument } from 'yaml';
import { z } from 'zod';
import { CloudflaredError } from './errors.ts';

/** A rule of `ingress` in config.yml; the same form as in a configuration at Cloudflare. */
export interface FileRule {
	/** Absent: every host. */
	hostname?: string;
	/** Go regular expression, not anchored. Absent: every path. */
	path?: string;
	service: string;
	originRequest?: Record<string, unknown>;
}

const rulesSchema = z.array(
	z
		.looseObject({
			hostname: z.string().nullish(),
			path: z.string().nullish(),
			service: z.string(),
			originRequest: z.record(z.string(), z.unknown()).nullish()
		})
		.transform(({ hostname, path, service, originRequest }): FileRule => ({
			...(hostname ? { hostname } : {}),
			...(path ? { path } : {}),
			service,
			...(originRequest ? { originRequest } : {})
		}))
);

export interface ConfigFile {
	/** Id or name of the tunnel. */
	tunnel: string | null;
	/** Null: the file names none. */
	rules: FileRule[] | null;
}

/** @throws {CloudflaredError} malformed */
export function readConfigFile(text: string): ConfigFile {
	const content = contentOf(text);
	const { tunnel } = content;
	if (content.ingress === undefined || content.ingress === null)
		return { tunnel: typeof tunnel === 'string' ? tunnel : null, rules: null };
	const rules = rulesSchema.safeParse(content.ingress);
	if (!rules.success) throw malformed(`ingress: ${z.prettifyError(rules.error)}`);
	return { tunnel: typeof tunnel === 'string' ? tunnel : null, rules: rules.data };
}

/**
 * The file with other rules. Everything else stays: keys that we do not know, their order, comments.
 * @throws {CloudflaredError} malformed
 */
export function withRules(text: string, rules: FileRule[]): string {
	const before = contentOf(text);
	const document = parseDocument(text);
	document.set('ingress', document.createNode(rules));
	// Long services and expressions stay on their line, as cloudflared's own examples have them.
	const after = String(document.toString({ lineWidth: 0 }));
	const kept = { ...contentOf(after), ingress: before.ingress };
	// An alias may lead into the rules: better no change than another setting.
	if (!isDeepStrictEqual(kept, { ...before, ingress: before.ingress }))
		throw malformed('the rules cannot be replaced without changing something else');
	return after;
}

function contentOf(text: string): Record<string, unknown> {
	const document = parseDocument(text);
	const [broken] = document.errors;
	if (broken) throw malformed(broken.message.split('\n')[0] ?? '');
	if (document.contents !== null && !isMap(document.contents)) throw malformed('it is no mapping');
	const content: unknown = document.toJS();
	return typeof content === 'object' && content !== null ? { ...content } : {};
}

function malformed(why: string): CloudflaredError {
	return new CloudflaredError({
		operation: 'cloudflared.read',
		kind: 'malformed',
		message: `The configuration file cannot be read: ${why}`.slice(0, 500)
	});
}
