import type { Auth } from '#lib/identity/auth.ts';
import type { Crumb } from '#lib/ui/crumb.ts';

declare global {
	namespace App {
		interface Error {
			message: string;
			code?: string;
			/** Under this id the log has the rest. */
			id?: string;
		}

		interface PageData {
			/** Where the page stands, for the shells' top bar. */
			crumbs?: Crumb[];
		}

		interface Locals {
			/** In every log line, audit entry and error of this request. */
			requestId: string;
			/** Address of the client, from a trusted proxy's header only. */
			ip: string;
			locale: 'es' | 'en';
			/** Who asks; null for a visitor. Set by the hook, read through the guards. */
			auth: Auth | null;
		}
	}
}

export {};
