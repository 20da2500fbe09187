// Lays out the npm packages: the launcher, and one package per system that holds the program.
//
//   node npm/build.mjs --out dist/npm linux-x64=target/…/readiness darwin-arm64=…
//
// The version is that of Cargo.toml. Publish the packages of the systems first, then the launcher.

import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SYSTEMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const version = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m)[1];

let out = join(root, "dist", "npm");
const programs = new Map();
const words = process.argv.slice(2);
while (words.length > 0) {
  const word = words.shift();
  if (word === "--out") {
    out = words.shift();
  } else {
    const [system, program] = word.split("=");
    if (!SYSTEMS.includes(system) || !program) {
      console.error(`error: \`${word}\` is no SYSTEM=PROGRAM; systems: ${SYSTEMS.join(", ")}`);
      process.exit(2);
    }
    if (!statSync(program, { throwIfNoEntry: false })?.isFile()) {
      console.error(`error: there is no program ${program}; build it first`);
      process.exit(2);
    }
    programs.set(system, program);
  }
}
if (programs.size === 0) {
  console.error("error: name at least one SYSTEM=PROGRAM");
  process.exit(2);
}

const template = JSON.parse(readFileSync(join(root, "npm", "cli", "package.json"), "utf8"));
const licences = ["LICENSE-MIT", "LICENSE-APACHE"];

function write(folder, manifest) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of licences) {
    copyFileSync(join(root, file), join(folder, file));
  }
}

rmSync(out, { recursive: true, force: true });
for (const [system, program] of programs) {
  const [os, cpu] = system.split("-");
  const folder = join(out, `cli-${system}`);
  const file = os === "win32" ? "readiness.exe" : "readiness";
  mkdirSync(join(folder, "bin"), { recursive: true });
  copyFileSync(program, join(folder, "bin", file));
  chmodSync(join(folder, "bin", file), 0o755);
  write(folder, {
    name: `@readiness-audit/cli-${system}`,
    version,
    description: `The program of @readiness-audit/cli for ${system}`,
    license: template.license,
    repository: template.repository,
    files: ["bin"],
    preferUnplugged: true,
    os: [os],
    cpu: [cpu],
  });
}

const launcher = join(out, "cli");
cpSync(join(root, "npm", "cli"), launcher, { recursive: true });
cpSync(join(root, "schemas"), join(launcher, "schemas"), { recursive: true });
copyFileSync(join(root, "README.md"), join(launcher, "README.md"));
write(launcher, {
  ...template,
  version,
  optionalDependencies: Object.fromEntries(
    [...programs.keys()].map((system) => [`@readiness-audit/cli-${system}`, version]),
  ),
});
