#!/usr/bin/env bash
# Measures the engine against ConcurrentDictionary and MemoryCache; writes bench/results/engine-YYYY-MM-DD.md and .json.
#   bench/engine.sh             everything, about a quarter of an hour
#   bench/engine.sh --quick     short runs: whether it works, not what it takes; written to engine-quick-….md
# Needs bash and the .NET SDK. What else is given goes to BenchmarkDotNet: bench/engine.sh --filter '*Hit*'
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

name=engine
quick=()
for argument in "$@"; do [[ $argument == --quick ]] && name=engine-quick quick=(--quick); done
result=bench/results/$name-$(date -u +%F)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p bench/results

dotnet build bench/Larder.Benchmarks -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
benchmarks=(dotnet artifacts/bin/Larder.Benchmarks/release/Larder.Benchmarks.dll)

# Written beside and moved at the end: a run that broke off leaves no half result.
{
    echo '# Engine benchmarks'
    echo
    bash bench/machine.sh
    echo "- Command: \`bench/engine.sh${*:+ $*}\`"
} >"$work/result.md"

section() { # title, arguments of the program
    echo "== $1"
    { echo; echo "## $1"; echo; } >>"$work/result.md"
    "${benchmarks[@]}" "${@:2}" | tee -a "$work/result.md"
}
section 'In turns: ratios to the dictionary' --paired "${quick[@]}"
section 'Memory' --memory
section 'Hits of the mixed workload' --hits

echo '== BenchmarkDotNet'
"${benchmarks[@]}" "$@" --artifacts "$work/artifacts"
{
    printf '\n## BenchmarkDotNet\n\nOne process per case, one after the other: here bytes allocated count, and times where the machine is idle.\n\n'
    # Its own description of the machine is repeated: only the table is kept.
    grep -h '^|' "$work"/artifacts/results/*-report-github.md
} >>"$work/result.md"
cp "$work/result.md" "$result.md"
cp "$work"/artifacts/results/*-report-full.json "$result.json"
echo "Written: $result.md, $result.json"
