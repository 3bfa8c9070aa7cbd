/** What a mail may need to be made at the moment of sending, because it must never lie in the database. */
export type OneTimeLink = 'set_password' | 'reset_password' | 'invitation';

/** @param subjectId of the person, or of the invitation */
type LinkMaker = (subjectId: string) => Promise<string>;

const makers = new Map<OneTimeLink, LinkMaker>();

/** Says who makes a kind of link. Identity does; it stands above this area, so it comes to us. */
export function defineMailLink(kind: OneTimeLink, make: LinkMaker): void {
	makers.set(kind, make);
}

/** An absolute URL that works once. @throws {Error} when nobody makes such links in this process */
export async function makeLink(kind: OneTimeLink, subjectId: string): Promise<string> {
	const make = makers.get(kind);
	if (!make) throw new Error(`nobody makes ${kind} links: is the job registry loaded?`);
	return make(subjectId);
}
