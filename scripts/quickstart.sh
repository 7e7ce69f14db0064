#!/usr/bin/env bash
# From a fresh clone to a report: .venv, install, the oracle and a random agent on the golden suite.
# shellcheck source=scripts/setup.sh
. "$(dirname "$0")/setup.sh"
make_venv ""

for agent in oracle random; do
    say "Playing every golden case: agent $agent"
    .venv/bin/crm-agents eval --agent "$agent" --suite golden --out "runs/$agent-golden" --force ||
        fail "crm-agents eval stopped" "read the message above; .venv/bin/crm-agents eval --help lists the options"
done

took "Done"
cat <<'TEXT'

Look at
  runs/oracle-golden/summary.json     success by tool
  runs/oracle-golden/episodes.jsonl   every episode, a line each
  runs/random-golden/                 the same for the random agent
Next
  .venv/bin/crm-gym describe CNC-001  a case: request, world, expected change, solution
  .venv/bin/crm-gym play CNC-001      play it yourself
TEXT
