#!/usr/bin/env node
"use strict";

// Starts the program that the package for this system brings along. Nothing is downloaded, here or at installation.

const { spawnSync } = require("node:child_process");

const system = `${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "readiness.exe" : "readiness";

let program = process.env.READINESS_BINARY;
if (!program) {
  try {
    program = require.resolve(`@readiness-audit/cli-${system}/bin/${file}`);
  } catch {
    process.stderr.write(
      `error: readiness has no program for ${system} here. Install with optional dependencies ` +
        "(npm install --include=optional), or build it with cargo and name it in READINESS_BINARY.\n",
    );
    process.exit(4);
  }
}

const ended = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (ended.error) {
  process.stderr.write(`error: cannot start ${program}: ${ended.error.message}\n`);
  process.exit(4);
}
if (ended.signal) {
  process.kill(process.pid, ended.signal);
}
process.exit(ended.status ?? 4);
