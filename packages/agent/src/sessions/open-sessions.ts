/** Sessions that shutdown ends before the connection goes away, or their clients would hang. */
export type OpenSessions = {
  add(end: (reason: string) => void): () => void;
  endAll(reason: string): void;
};

export function createOpenSessions(): OpenSessions {
  const open = new Set<(reason: string) => void>();
  return {
    add(end) {
      open.add(end);
      return () => open.delete(end);
    },
    endAll(reason) {
      for (const end of [...open]) end(reason);
      open.clear();
    },
  };
}
