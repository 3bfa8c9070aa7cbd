import { randomFillSync } from 'node:crypto';
import { constantTimeEqual } from '@oslojs/crypto/subtle';
import { generateRandomString } from '@oslojs/crypto/random';
import { sha256 } from '#lib/core/crypto.server.ts';

/** What sessions, API tokens and mailed links are: `id.secret`, of which the database keeps the id and a hash. */
export interface Bearer {
	id: string;
	/** The whole, for its holder alone. */
	token: string;
	secretHash: Uint8Array<ArrayBuffer>;
}

// Without letters that are mistaken for each other: 24 of them hold 120 bits.
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const random = { read: (bytes: Uint8Array) => void randomFillSync(bytes) };

export function newBearer(): Bearer {
	const id = generateRandomString(random, ALPHABET, 24);
	const secret = generateRandomString(random, ALPHABET, 24);
	return { id, token: `${id}.${secret}`, secretHash: hashOf(secret) };
}

/** Id and hash of a token as it was presented; null when it cannot be one. */
export function readBearer(token: string | null | undefined): Omit<Bearer, 'token'> | null {
	const [id, secret, rest] = token?.split('.') ?? [];
	if (!id || !secret || rest !== undefined || id.length !== 24 || secret.length !== 24) return null;
	return { id, secretHash: hashOf(secret) };
}

/** Compares without telling by its time how much was right. */
export function sameSecret(given: Pick<Bearer, 'secretHash'>, stored: Uint8Array): boolean {
	return constantTimeEqual(given.secretHash, stored);
}

function hashOf(secret: string): Uint8Array<ArrayBuffer> {
	return new Uint8Array(sha256(secret));
}
