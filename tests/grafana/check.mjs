// Says what Grafana's types and Prometheus' grammar hold against a dashboard, as JSON: node check.mjs DASHBOARD.json
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parser } from "@prometheus-io/lezer-promql";

const here = dirname(fileURLToPath(import.meta.url));
const text = readFileSync(process.argv[2], "utf8");

// A literal is checked for fields that the type does not have; a parsed value would not be.
function types() {
  const folder = mkdtempSync(join(here, ".check-"));
  const file = join(folder, "board.ts");
  writeFileSync(file, `import type { Dashboard } from "@grafana/schema";\nexport const board: Dashboard = ${text};\n`);
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"];
  try {
    execFileSync(join(here, "node_modules", ".bin", "tsc"), [...options, file], { encoding: "utf8", cwd: folder });
    return [];
  } catch (error) {
    return String(error.stdout || error).trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Grafana puts durations and values in the place of its variables before it asks.
function grammar() {
  const queries = JSON.parse(text).panels.flatMap((panel) => panel.targets.map((target) => target.expr));
  return queries.filter((query) => {
    let isBad = false;
    parser.parse(query.replaceAll(/\$__(range|rate_interval|interval)/g, "5m")).iterate({ enter: (node) => { isBad ||= node.type.isError; } });
    return isBad;
  });
}

console.log(JSON.stringify({ types: types(), grammar: grammar() }));
