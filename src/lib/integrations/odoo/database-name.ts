/** What Odoo accepts, without what PostgreSQL would fold or a shell would read. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** The name itself. @throws TypeError when it cannot be one, before it comes near a command line */
export function checked(database: string): string {
	if (!NAME.test(database)) throw new TypeError(`no database name: ${JSON.stringify(database)}`);
	return database;
}
