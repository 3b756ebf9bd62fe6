// No static imports: `coder --version` and each command load only what they need. No await at the top level
// either: the single executables are bundled as CommonJS, which has none.

async function main(argv: string[]): Promise<number> {
  // Set by the launcher for this process alone; commands that users start from here must not inherit it.
  if (process.env.SLIPWAY_OWN_CACHE !== undefined) {
    delete process.env.SLIPWAY_OWN_CACHE;
    delete process.env.NODE_COMPILE_CACHE;
  }
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "version")) {
    const { versionText } = await import("./build-info.ts");
    process.stdout.write(versionText());
    return 0;
  }
  const { run } = await import("./run.ts");
  return run(argv);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`coder: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);

export {};
