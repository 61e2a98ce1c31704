#!/usr/bin/env bash
# Runs the soak of the engine for long; writes bench/results/soak-YYYY-MM-DD.md.
#   tests/soak.sh [OPERATIONS]     100,000,000 by default
# Needs bash and the .NET SDK. Ends with the test's own exit code.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
operations=${1:-100000000}
result=bench/results/soak-$(date -u +%F).md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

dotnet build tests/Larder.Tests -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
{
    echo '# Soak of the engine'
    echo
    bash bench/machine.sh
    echo "- Command: \`tests/soak.sh $operations\`"
    echo "- Four threads: reads, fills, writes and every kind of invalidation over 4,096 keys, 2,000 entries and 1 MiB of room"
    echo
    echo '```'
} >"$work/result.md"
code=0
LARDER_SOAK=$operations dotnet artifacts/bin/Larder.Tests/release/Larder.Tests.dll -noColor \
    -method 'Larder.Tests.Engine.SoakTests.Nothing_is_stale_everything_agrees_and_the_heap_does_not_grow' | tee "$work/run.log" || code=$?
grep -E 'operations|bytes of heap|Total:' "$work/run.log" | sed 's/^ *//' >>"$work/result.md" || true
echo '```' >>"$work/result.md"
((code == 0)) || { echo "failed: nothing was written to $result" >&2; exit "$code"; }
mkdir -p "${result%/*}"
mv "$work/result.md" "$result"
echo "written: $result"
