/** Remembers which methods each path has, for the answer to a wrong method. */
export function createKnownPaths() {
  const byPath = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  return {
    add(method: string, path: string): void {
      const known = byPath.get(path) ?? { pattern: patternOf(path), methods: new Set() };
      known.methods.add(method);
      byPath.set(path, known);
    },
    methodsOf(path: string): string[] {
      const found = new Set<string>();
      for (const { pattern, methods } of byPath.values()) {
        if (pattern.test(path)) for (const method of methods) found.add(method);
      }
      return [...found].sort();
    },
  };
}

function patternOf(path: string): RegExp {
  const parts = path.split("/").map((part) => {
    if (part.startsWith(":")) return "[^/]+";
    return part === "*" ? ".*" : part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}
