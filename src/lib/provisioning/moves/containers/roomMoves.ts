import { z } from 'zod';
import '#lib/core/validation.ts';

/** A move that makes room. */
export interface RoomMove {
	containerId: string;
	toNodeId: string;
}

/** More than any way out has. */
const MOST = 20;
const pair = z.tuple([z.uuid(), z.uuid()]);

/** Moves that make room for a plan, in their order, as a page posts them. */
export const roomMovesForm = z.object({
	/** What it is for, in words. */
	plan: z.string().trim().min(1).max(100),
	moves: z
		.string()
		.transform((text) => text.split(',').map((one) => one.split(':')))
		.pipe(z.array(pair).min(1).max(MOST))
		.transform((pairs) => pairs.map(([containerId, toNodeId]) => ({ containerId, toNodeId })))
});

/** As the form takes them. */
export function roomMovesText(moves: RoomMove[]): string {
	return moves.map(({ containerId, toNodeId }) => `${containerId}:${toNodeId}`).join(',');
}

const answer = z.object({
	container: z.object({ id: z.uuid(), vmid: z.number(), hostname: z.string() }).nullable(),
	/** Null: refused. */
	moveId: z.string().nullable(),
	/** It waits for what was made ahead to go, and begins by itself. */
	waits: z.boolean(),
	/** A sentence; null: it was not refused. */
	refusal: z.string().nullable()
});

/** What became of a move that was asked for: begun, or why not. */
export type RoomMoveAnswer = z.output<typeof answer>;

/** What became of each, in the answer of the form; null where it says nothing of them. */
export function roomMovesIn(form: unknown): RoomMoveAnswer[] | null {
	return z.object({ roomMoves: z.array(answer) }).safeParse(form).data?.roomMoves ?? null;
}
