import { getContext, setContext } from 'svelte';

/** Who looks: decides how every date and figure is written. */
export type Viewer = { locale: string; timeZone: string };

const KEY = Symbol('viewer');

/** Called once by the root layout, with an object whose fields may change. */
export function setViewer(viewer: Viewer): void {
	setContext(KEY, viewer);
}

/** The viewer of this page; components rendered outside the layout (mails) see UTC. */
export function getViewer(): Viewer {
	return getContext<Viewer | undefined>(KEY) ?? { locale: 'es', timeZone: 'UTC' };
}
