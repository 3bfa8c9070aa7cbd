/** SvelteKit exports this class without a type. Its instances bring their own status: see src/hooks.server.ts. */
declare module '@sveltejs/kit/internal' {
	export class SvelteKitError extends Error {
		status: number;
		text: string;
	}
}
