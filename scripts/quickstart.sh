#!/usr/bin/env bash
# From a fresh clone to a report: .venv, install, four agents on the golden suite, one page to look at.
# shellcheck source=scripts/setup.sh
. "$(dirname "$0")/setup.sh"
make_venv "[llm]"
bin=.venv/bin

for agent in oracle heuristic random; do
    say "Playing every golden case: agent $agent"
    "$bin/crm-agents" eval --agent "$agent" --suite golden --out "runs/$agent-golden" --force ||
        fail "crm-agents eval stopped" "read the message above; $bin/crm-agents eval --help lists the options"
done

say "Playing every golden case: the Claude agent, with the server that comes along in place of the model"
mkdir -p runs
"$bin/crm-agents" fake-server --port 0 --json >runs/fake-server.json &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in {1..100}; do
    [ -s runs/fake-server.json ] && break
    sleep 0.1
done
url=$("$bin/python" -c 'import json; print(json.loads(open("runs/fake-server.json").readline())["anthropic"])') ||
    fail "crm-agents fake-server did not start" "try it by hand: $bin/crm-agents fake-server --port 0"
CRM_FAKE_KEY=any "$bin/crm-agents" eval --config configs/eval_fake.toml --base-url "$url" --cassette off --force ||
    fail "crm-agents eval stopped" "read the message above; $bin/crm-agents eval --help lists the options"

say "Writing the report"
"$bin/crm-agents" report runs/{oracle,heuristic,fake,random}-golden/episodes.jsonl --html runs/report.html ||
    fail "crm-agents report stopped" "read the message above; $bin/crm-agents report --help lists the options"

took "Done"
cat <<'TEXT'

Look at
  runs/report.html                    all four runs: open it in a browser; it needs no network
  runs/fake-golden/summary.json       the figures of one, with tokens
  runs/fake-golden/episodes.jsonl     every episode, a line each
Next
  .venv/bin/crm-gym describe CNC-001  a case: request, world, expected change, solution
  .venv/bin/crm-gym play CNC-001      play it yourself
  .venv/bin/crm-agents eval --config configs/eval_claude.toml     a real model; needs ANTHROPIC_API_KEY
TEXT
