#!/usr/bin/env bash
# What only a Mac can show. Run it on one, in a clone, while you are logged in at the screen (the Keychain may ask):
#   scripts/verify-on-mac.sh
# With --unattended, only what asks nobody and leaves no trace; that half also runs on Linux, where it skips what is not
# there. Prints a line `pass`, `skip` or `FAIL` for each thing; exit 1 when something failed.
set -u
cd "$(dirname "$0")/.."
failed=0
unattended=0
[ "${1-}" = --unattended ] && unattended=1
mac=0
[ "$(uname -s)" = Darwin ] && mac=1

check() {
  local name=$1
  shift
  local log
  if log=$("$@" 2>&1); then
    echo "pass  $name"
  else
    echo "FAIL  $name"
    printf '%s\n' "$log" | tail -5 | sed 's/^/      /'
    failed=1
  fi
}

# Only on a Mac.
check_mac() { if [ $mac = 1 ]; then check "$@"; else echo "skip  $1 (not a Mac)"; fi; }
# Only with somebody there, on a Mac.
check_attended() { if [ $unattended = 1 ]; then echo "skip  $1 (unattended)"; else check_mac "$@"; fi; }

node_script() { node --input-type=module --eval "$1"; }

[ $unattended = 1 ] || check "this is a Mac" test "$(uname -s)" = Darwin
check "Node is 20.19 or later" node_script 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) throw process.version'
check "it installs without scripts" npm ci --ignore-scripts
check "it builds" npm run build
check_mac "node-pty's spawn-helper is executable" bash -c 'for f in node_modules/@lydell/node-pty-darwin-*/spawn-helper node_modules/@lydell/node-pty-darwin-*/*/*/spawn-helper; do [ -e "$f" ] && test -x "$f" && exit 0; done; exit 1'
check_attended "the Keychain keeps, gives back and forgets a secret" node_script '
  const { loadKeychain } = await import("./build/device/keychain.js");
  const keychain = await loadKeychain();
  await keychain.setPassword("RunMesh", "verify", "s3cret");
  const back = await keychain.getPassword("RunMesh", "verify");
  await keychain.deletePassword("RunMesh", "verify");
  if (back !== "s3cret") throw new Error(`got ${back}`);'
check_mac "the journal flushes the drive (fullfsync)" node_script '
  const { openDatabase } = await import("./build/kit/sqlite.js");
  const { mkdtempSync } = await import("node:fs");
  const db = openDatabase({ path: `${mkdtempSync("/tmp/runmesh-verify-")}/a.db`, migrations: ["CREATE TABLE a (b)"] });
  if (db.prepare("PRAGMA fullfsync").get().fullfsync !== 1) throw new Error("fullfsync is off");'
check "the process table finds this process and its start" node_script '
  const { readProcess, listProcesses } = await import("./build/leash/process-table.js");
  const row = readProcess(process.pid);
  // An instant from ps on a Mac, ticks since the start on Linux.
  const start = process.platform === "linux" ? /^\d+$/.test(row?.startTime) : !Number.isNaN(Date.parse(row?.startTime));
  if (!start || !listProcesses().has(process.pid)) throw new Error(JSON.stringify(row));'
check "a command runs on a pty, and what it left behind is ended" node_script '
  const { startLeash } = await import("./build/leash/leash-client.js");
  const { listProcesses, findMarked } = await import("./build/leash/process-table.js");
  const leash = await startLeash({ log: { info() {}, warn(x) { console.error(x); } } });
  const mark = `verify/${process.pid}`;
  const session = await leash.open({ file: "/bin/bash", args: ["-c", "nohup sleep 61 >/dev/null 2>&1 & sleep 0.3; echo hello"], cwd: "/tmp", env: { PATH: "/usr/bin:/bin", TERM: "dumb" }, mark, policy: { sandboxed: false }, columns: 80, rows: 24 });
  let output = "";
  session.onOutput((text) => { output += text; });
  session.release();
  const { exitCode } = await session.exited;
  await session.end();
  await leash.close();
  if (exitCode !== 0 || !output.includes("hello")) throw new Error(`exit ${exitCode}: ${output}`);
  const left = [...findMarked(mark)].filter((pid) => listProcesses().get(pid)?.zombie === false);
  if (left.length > 0) throw new Error(`still alive: ${left}`);'
check_mac "the power source is read" node_script '
  const { readPmset } = await import("./build/device/power-source.js");
  const { execFileSync } = await import("node:child_process");
  const { source } = readPmset(execFileSync("/usr/bin/pmset", ["-g", "batt"], { encoding: "utf8" }));
  if (source === "unknown") throw new Error("pmset says something else");'
check_mac "caffeinate holds off idle sleep, and lets go with the process it waits for" bash -c '
  sleep 30 & watched=$!
  /usr/bin/caffeinate -i -w $watched & holder=$!
  sleep 1
  pmset -g assertions | grep -q "pid $holder(caffeinate).*PreventUserIdleSystemSleep" || exit 1
  kill $watched; sleep 1; ! kill -0 $holder 2>/dev/null'
check_attended "a locked login keychain is known for one (cancel the window that opens; log in again afterwards)" node_script '
  const { loadKeychain, keychainTrouble } = await import("./build/device/keychain.js");
  const { execFileSync } = await import("node:child_process");
  const keychain = await loadKeychain();
  await keychain.setPassword("RunMesh", "verify", "s3cret");
  execFileSync("security", ["lock-keychain"]);
  const trouble = await keychain.getPassword("RunMesh", "verify").then(() => "answered", keychainTrouble);
  execFileSync("security", ["unlock-keychain"], { stdio: "inherit" });
  await keychain.deletePassword("RunMesh", "verify");
  if (!["locked", "cancelled", "silent"].includes(trouble)) throw new Error(trouble);'
check "the sandbox refuses what it must (its lines: node scripts/verify-sandbox.mjs)" node scripts/verify-sandbox.mjs 9>>/dev/null
check_mac "the property list is one that macOS reads" bash -c 'node dist/cli/main.js service install --print-plist | plutil -lint -'
check_attended "the service is installed, comes back after a SIGKILL and is uninstalled" node scripts/verify-service.mjs
check_attended "a window asks, shows what it was given, and closes by itself" node_script '
  const { askByDialog } = await import("./build/daemon/ask-by-dialog.js");
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const run = async (file, args, signal) => (await promisify(execFile)(file, args, { signal, env: {} })).stdout;
  const pending = { agent: "verify", tool: "exec_command", what: "leave this window alone \" & quit & \"", workdir: ".", reason: null, opens: "outside_sandbox" };
  const answer = await askByDialog(pending, { run, leftMs: 4_000, over: new AbortController().signal });
  if (answer !== undefined) throw new Error(`answered ${answer}`);'
check_attended "the file that opens the page is opened by a browser, which takes its token (a page opens; it says that no daemon answers)" node_script '
  const { createPage } = await import("./build/control/page/page.js");
  const { systemClock } = await import("./build/kit/clock.js");
  const { systemRandom } = await import("./build/kit/random.js");
  const { execFileSync } = await import("node:child_process");
  const { existsSync, mkdtempSync } = await import("node:fs");
  const opener = `${mkdtempSync("/tmp/runmesh-verify-")}/page.html`;
  const files = `${process.cwd()}/dist/control/page/files`;
  const log = { info() {}, error() {} };
  const page = createPage({ ports: {}, log, clock: systemClock, random: systemRandom, files, opener });
  const { file } = await page.ask();
  execFileSync("open", [file]);
  for (let n = 0; n < 100 && existsSync(file); n += 1) await systemClock.sleep(200);
  const left = existsSync(file);
  await page.close();
  if (left) throw new Error("no browser came within 20 s");'
check "the demo mends its test" node dist/cli/main.js demo --json
[ $unattended = 1 ] || check "every test passes" npm test

exit $failed
