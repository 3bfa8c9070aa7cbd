import { readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import adapter from '@sveltejs/adapter-node';

const server = adapter({ precompress: true });

/** Beside the application its entry as JavaScript: a process that runs TypeScript holds a compiler in its memory. */
const withEntry = {
	...server,
	/** @param {import('@sveltejs/kit').Builder} builder */
	adapt: async (builder) => {
		await server.adapt(builder);
		writeFileSync('build/main.js', stripTypeScriptTypes(readFileSync('src/server.ts', 'utf8')));
	}
};

/** @type {import('@sveltejs/kit').Config} */
export default {
	compilerOptions: { runes: true },
	kit: {
		adapter: withEntry,
		// The list of all routes with their files grows with every page; the landing page's budget does not.
		router: { resolution: 'server' },
		// Kit writes the nonces; the other security headers are set in src/hooks.server.ts.
		csp: {
			mode: 'nonce',
			directives: {
				'default-src': ['self'],
				'script-src': ['self'],
				'style-src': ['self'],
				// Server-rendered style attributes and bits-ui's positioning need this one; it cannot run code.
				'style-src-attr': ['unsafe-inline'],
				'img-src': ['self', 'data:'],
				'font-src': ['self'],
				'connect-src': ['self'],
				'form-action': ['self'],
				'base-uri': ['none'],
				'object-src': ['none'],
				'frame-ancestors': ['none']
			}
		}
	}
};
