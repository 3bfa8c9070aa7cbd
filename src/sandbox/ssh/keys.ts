import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';

/** A key pair in OpenSSH's own format. */
export interface KeyPair {
	/** The private key's text. */
	private: string;
	/** `ssh-ed25519 AAAA…` */
	public: string;
}

/** The folder of the keys; without a data directory a temporary one, since a client needs a file. */
export function keyFolder(dataDir: string | null): string {
	const folder = dataDir ? join(dataDir, 'ssh') : mkdtempSync(join(tmpdir(), 'sandbox-ssh-'));
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	return folder;
}

/** The pair in `file` and `file.pub`, made at first use; readable by the owner alone. */
export function keyPair(file: string, comment: string): KeyPair {
	if (existsSync(file)) {
		return {
			private: readFileSync(file, 'utf8'),
			public: readFileSync(`${file}.pub`, 'utf8').trim()
		};
	}
	const made = readablePair(comment);
	writeFileSync(file, made.private, { mode: 0o600 });
	writeFileSync(`${file}.pub`, `${made.public}\n`, { mode: 0o600 });
	return { private: made.private, public: made.public.trim() };
}

/** One pair in some 300 that ssh2 writes cannot be read again, not even by itself. */
function readablePair(comment: string): KeyPair {
	for (;;) {
		const made = ssh2.utils.generateKeyPairSync('ed25519', { comment });
		if (!(ssh2.utils.parseKey(made.private) instanceof Error)) return made;
	}
}
