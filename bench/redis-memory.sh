#!/usr/bin/env bash
# Measures what Redis needs for what Larder keeps there: small responses, events of tags and keys, the whole log. Writes bench/results/redis-memory-YYYY-MM-DD.md.
#   bench/redis-memory.sh           some three minutes
#   bench/redis-memory.sh --quick   few of everything, to see that it runs; writes nothing
# Needs bash, the .NET SDK, redis-server, redis-cli, curl and awk. Names are short, as `zone:71` is.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
quick= responses=5000 most=100000 keys=20000 at_once=5000
[[ ${1:-} != --quick ]] || quick=1 responses=200 most=400 keys=200 at_once=200
result=bench/results/redis-memory-$(date -u +%F).md
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p bench/results

for project in samples/Larder.Samples.Origin src/Larder.Cli; do
    dotnet build "$project" -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
done
larder=artifacts/bin/Larder.Cli/release/larder
base=$((20000 + RANDOM % 10000))
redis=$base origin=$((base + 1)) gateway=$((base + 2))
redis-server --port "$redis" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/redis.log" 2>&1 &
pids+=($!)
dotnet artifacts/bin/Larder.Samples.Origin/release/Larder.Samples.Origin.dll --urls "http://127.0.0.1:$origin" >"$work/origin.log" 2>&1 &
pids+=($!)
wait_for() { for _ in {1..600}; do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "redis-memory.sh: $* never answered" >&2; exit 1; }
wait_for redis-cli -p "$redis" ping
wait_for curl -fs "http://127.0.0.1:$origin/health"
url="redis://127.0.0.1:$redis?timeout=5s&failOnConnectionError=true"

used() { redis-cli -p "$redis" info memory | awk -F: '$1 == "used_memory" { print $2 + 0 }'; }
length() { redis-cli -p "$redis" xlen "larder:{log}:$1"; }

# Responses: each of another query, so each has a key of its own.
"$larder" serve --origin "http://127.0.0.1:$origin" --urls "http://127.0.0.1:$gateway" --config samples/larder.json --redis "$url" >"$work/gateway.log" 2>&1 &
gateway_pid=$!
pids+=("$gateway_pid")
wait_for curl -fs "http://127.0.0.1:$gateway/healthz"
target="http://127.0.0.1:$gateway/zones/Europe.Berlin/note"
body=$(curl -fs "$target?n=0" | wc -c)
before=$(used)
curl -fs -o /dev/null "$target?n=[1-$responses]"
# What is made is sent to Redis after its answer.
stored() { (($(redis-cli -p "$redis" dbsize) > responses)); }
wait_for stored
sleep 1
response=$(awk -v a="$before" -v b="$(used)" -v n="$responses" 'BEGIN { printf "%.0f", (b - a) / n }')
kill "$gateway_pid"
wait "$gateway_pid" 2>/dev/null || true
redis-cli -p "$redis" flushall >/dev/null

# Events: so many at once, by the tool itself, until the stream is as long as it is kept.
events() { # flag, how many
    local flag=$1 count=$2 from=0
    while ((from < count)); do
        seq "$from" $((from + at_once - 1)) | awk -v flag="$flag" '{ printf "%s\nzone:%d\n", flag, $1 }' | xargs -x -n $((2 * at_once)) "$larder" purge --redis "$url" >/dev/null
        from=$((from + at_once))
    done
}
events --tag 1 && before=$(used) && groups=$(length groups)
events --tag "$most"
tag=$(awk -v a="$before" -v b="$(used)" -v n=$(($(length groups) - groups)) 'BEGIN { printf "%.0f", (b - a) / n }')
before=$(used) first=$(length keys)
events --key "$keys"
key=$(awk -v a="$before" -v b="$(used)" -v n=$(($(length keys) - first)) 'BEGIN { printf "%.0f", (b - a) / n }')
log=$(($(redis-cli -p "$redis" memory usage 'larder:{log}:groups' samples 0) + $(redis-cli -p "$redis" memory usage 'larder:{log}:keys' samples 0)))

{
    echo '# Memory in Redis'
    echo
    bash bench/machine.sh
    echo "- Command: \`bench/redis-memory.sh\`; $(redis-server --version | cut -d' ' -f1-3)"
    echo
    echo '| | bytes |'
    echo '|---|---:|'
    echo "| a response with a body of $body bytes, its key of some 55 characters and its headers | $response |"
    echo "| an event of a short tag | $tag |"
    echo "| an event of a short key | $key |"
    echo "| a log of $(length groups) events of tags and $(length keys) of keys (\`MEMORY USAGE\` of both streams) | $log |"
} >"$work/result.md"
if [[ -n $quick ]]; then
    cat "$work/result.md"
    echo 'Quick: nothing was written, and these figures mean nothing.'
    exit
fi
mv "$work/result.md" "$result"
cat "$result"
echo "Written: $result"
