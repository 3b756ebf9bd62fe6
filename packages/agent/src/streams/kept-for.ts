import type { MessageInitShape } from "@bufbuild/protobuf";
import type { KeptSchema } from "@slipway/proto/agent";
import type { StreamOpen } from "@slipway/proto/tunnel";

type Kept = Required<
  Pick<MessageInitShape<typeof KeptSchema>, "userId" | "keyId" | "resumeKeys" | "terminalIds">
>;
type Session = { userId: string; keyId: string };

/** For whom streams and terminals are kept that outlive their carriers. */
export type KeptFor = {
  /** The server has let somebody in. */
  letIn(open: StreamOpen): void;
  /** What is kept now, by the session that was let in to it last. */
  report(): Kept[];
};

/** Far more than are kept at a time: beyond it, those that are gone are left out. */
const maxNoted = 1024;

export function createKeptFor(deps: {
  knowsStream: (key: Uint8Array) => boolean;
  knowsTerminal: (id: string) => boolean;
}): KeptFor {
  const streams = new Map<string, { key: Uint8Array; session: Session }>();
  const terminals = new Map<string, Session>();

  function leaveOut(): void {
    for (const [id, { key }] of streams) if (!deps.knowsStream(key)) streams.delete(id);
    for (const id of terminals.keys()) if (!deps.knowsTerminal(id)) terminals.delete(id);
  }

  return {
    letIn({ caller, resume, kind }) {
      // A server of before says nothing of the session.
      if (caller === undefined || caller.keyId === "") return;
      if (streams.size + terminals.size >= maxNoted) leaveOut();
      const session = { userId: caller.userId, keyId: caller.keyId };
      if (resume !== undefined) {
        streams.set(Buffer.from(resume.key).toString("hex"), { key: resume.key, session });
      }
      if (kind.case === "pty") terminals.set(kind.value.id, session);
    },
    report() {
      leaveOut();
      const bySession = new Map<string, Kept>();
      const keptFor = (session: Session): Kept => {
        const id = `${session.userId} ${session.keyId}`;
        const kept = bySession.get(id) ?? { ...session, resumeKeys: [], terminalIds: [] };
        bySession.set(id, kept);
        return kept;
      };
      for (const { key, session } of streams.values()) keptFor(session).resumeKeys.push(key);
      for (const [id, session] of terminals) keptFor(session).terminalIds.push(id);
      return [...bySession.values()];
    },
  };
}
