// Cedar on the rules of the generator: decide.mjs FOLDER NAME VISITS. The policy set is parsed once
// beforehand; a decision is one call with its principal's groups and the facts as context.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs");
const [folder, name, most] = process.argv.slice(2);
const policies = readFileSync(join(folder, "policies.cedar"), "utf8");
const visits = readFileSync(join(folder, "requests.jsonl"), "utf8").trim().split("\n")
  .slice(0, Number(most)).map((line) => JSON.parse(line));
const device = {
  managed: true, disk_encrypted: true, firewall: true, compliant: true, edr_running: true,
  screen_lock: true, os: "macos", os_major: 14, risk: 12, ownership: "company",
};

function callOf(v) {
  const user = { type: "User", id: v.user }, app = { type: "App", id: v.app };
  const parents = v.groups.map((id) => ({ type: "Group", id }));
  return {
    principal: user, action: { type: "Action", id: v.method }, resource: app,
    context: {
      path: v.path, email: v.user, company: v.company, mfa: true, auth_age: v.auth_age, now: v.now,
      minute: v.minute, ip: { __extn: { fn: "ip", arg: v.ip } }, device,
    },
    entities: [{ uid: user, attrs: {}, parents }, { uid: app, attrs: {}, parents: [] }],
    preparsedPolicySetId: "rules",
  };
}

let start = performance.now();
const parsed = cedar.preparsePolicySet("rules", { staticPolicies: policies });
if (parsed.type !== "success") {
  console.log(`cedar ${name}: skipped, the rules do not parse: ${parsed.errors[0].message}`);
  process.exit(0);
}
const parse = performance.now() - start;
const times = [];
let allowed = 0;
for (const v of visits) {
  const call = callOf(v);
  start = performance.now();
  const answer = cedar.statefulIsAuthorized(call);
  times.push(performance.now() - start);
  if (answer.type !== "success")
    throw new Error(JSON.stringify(answer.errors));
  allowed += answer.response.decision === "allow";
}
times.sort((a, b) => a - b);
const mean = times.reduce((a, b) => a + b, 0) / times.length;
console.log(`cedar ${cedar.getCedarSDKVersion()} ${name}: mean ${(mean * 1e3).toFixed(0)} us, max ` +
  `${(times.at(-1) * 1e3).toFixed(0)} us  (${(100 * allowed / visits.length).toFixed(1)} % allowed of ` +
  `${visits.length}; parsing ${parse.toFixed(0)} ms)`);
