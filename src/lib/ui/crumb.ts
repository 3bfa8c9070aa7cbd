/** One step of the breadcrumb; the last one is the page itself and needs no address. */
export type Crumb = { label: string; href?: string; mono?: boolean };
