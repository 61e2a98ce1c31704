#!/usr/bin/env bash
# Replays access traces against Larder's memory tier and the policies of the literature; writes bench/results/traces-YYYY-MM-DD.md.
#   bench/traces.sh               the generated traces
#   bench/traces.sh DIRECTORY     also those in a directory (*.trace.gz: text, one whole number a line, in order of access)
# Needs bash and the .NET SDK. What else is given goes to the program: bench/traces.sh --only zipf --policy Larder
set -eu
directory=()
if (($# > 0)) && [[ $1 != --* ]]; then
    directory=("$(cd "$1" && pwd)")
    shift
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

result=bench/results/traces-$(date -u +%F).md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p bench/results

dotnet build bench/traces/Larder.Bench.Traces -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }

# Written beside and moved at the end: a run that broke off leaves no half result.
{
    echo '# Hit ratios'
    echo
    bash bench/machine.sh
    # Where the traces lie is nobody's concern.
    echo "- Command: \`bench/traces.sh${directory:+ DIRECTORY}${*:+ $*}\`"
    echo
    echo 'Bold: the best but for OPT, to 0.05. The worst gap is to the best policy of the same row. The limit OPT is exact where values are counted.'
} >"$work/result.md"
dotnet artifacts/bin/Larder.Bench.Traces/release/Larder.Bench.Traces.dll "${directory[@]}" "$@" | tee -a "$work/result.md"
cp "$work/result.md" "$result"
echo "Written: $result"
