#!/usr/bin/env bash
# Measures the Redis client against redis-benchmark, in turns, on one server, and caches that share it; writes bench/results/redis-YYYY-MM-DD.md.
#   bench/redis.sh [ROUNDS]     7 by default, of some 40 seconds each
#   bench/redis.sh --quick      one short round, to see that everything runs; writes nothing
# Needs bash, the .NET SDK, redis-server and redis-benchmark. Both ask for 1 KiB values, each from a process of its own.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
quick= seconds=3 count=2000000
if [[ ${1:-} == --quick ]]; then
    quick=--quick seconds=0.3 count=50000
    shift
    set -- 1
fi
rounds=${1:-7}
result=bench/results/redis-$(date -u +%F).md
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p bench/results

dotnet build bench/Larder.Benchmarks -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
port=$((20000 + RANDOM % 10000))
redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/server.log" 2>&1 &
server=$!
for _ in {1..100}; do redis-cli -p "$port" ping >/dev/null 2>&1 && break; sleep 0.05; done

tool() { # connections: GETs per second
    redis-benchmark -p "$port" -t set -n 1000 -d 1024 -q >/dev/null 2>&1
    redis-benchmark -p "$port" -t get -P 32 -d 1024 -c "$1" -n "$count" --csv 2>/dev/null | awk -F'"' '$2 == "GET" { print $4 }'
}
client() { dotnet artifacts/bin/Larder.Benchmarks/release/Larder.Benchmarks.dll --redis "$port" "$1" "$seconds"; }
# Single GETs of 50 connections: what hits in Redis compare to, as each of their callers waits for its answer, too.
single() { redis-benchmark -p "$port" -t get -d 1024 -c 50 -n $((count / 10)) --csv 2>/dev/null | awk -F'"' '$2 == "GET" { print $4 }'; }
tier() { dotnet artifacts/bin/Larder.Benchmarks/release/Larder.Benchmarks.dll --redis-tier "$port" "$1" $quick; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }

for ((round = 1; round <= rounds; round++)); do
    one=$(tool 1) many=$(tool 50)
    read -r rate32 bytes32 < <(client 32)
    read -r rate64 bytes64 < <(client 64)
    alone=$(single)
    read -r -a memory < <(tier memory)
    read -r -a hits < <(tier hits)
    read -r -a travel < <(tier travel)
    read -r -a replay < <(tier replay)
    ((${#memory[@]} == 3 && ${#hits[@]} == 7 && ${#travel[@]} == 2 && ${#replay[@]} == 2)) || { echo 'redis.sh: a measurement has failed' >&2; exit 1; }
    # 1-6 client; 7 single; 8-10 memory; 11-17 hits; 18-19 travel; 20-21 replay
    echo "$one $many $rate32 $bytes32 $rate64 $bytes64 $alone ${memory[*]} ${hits[*]} ${travel[*]} ${replay[*]}" | tee -a "$work/rounds"
done

figure() { awk -v e="$1" '{ split(e, c, "/"); print (c[2] ? $c[1] / $c[2] : $c[1]) }' "$work/rounds" | median; }
{
    echo '# Redis client'
    echo
    bash bench/machine.sh
    echo "- Command: \`bench/redis.sh $rounds\`; $(redis-server --version | cut -d' ' -f1-3)"
    echo
    echo "GETs of 1 KiB in pipelines. Medians of $rounds rounds in turns; the ratios are medians of the rounds' own ratios."
    echo
    echo '| | GETs/s | to redis-benchmark -c 1 | to -c 50 | bytes allocated per GET |'
    echo '|---|---:|---:|---:|---:|'
    printf '| redis-benchmark -P 32 -c 1 | %.0f | 1.00 | %.2f | |\n' "$(figure 1)" "$(figure 1/2)"
    printf '| redis-benchmark -P 32 -c 50 | %.0f | %.2f | 1.00 | |\n' "$(figure 2)" "$(figure 2/1)"
    printf '| Larder, 32 callers | %.0f | %.2f | %.2f | %.0f |\n' "$(figure 3)" "$(figure 3/1)" "$(figure 3/2)" "$(figure 4)"
    printf '| Larder, 64 callers | %.0f | %.2f | %.2f | %.0f |\n' "$(figure 5)" "$(figure 5/1)" "$(figure 5/2)" "$(figure 6)"
    echo
    echo '## Caches on it'
    echo
    printf -- '- A hit in memory with the tier to one without it, in pairs: %.3f (quartiles %.3f to %.3f).\n' "$(figure 8)" "$(figure 9)" "$(figure 10)"
    printf -- '- An invalidation until three other nodes have applied it: median %.2f ms, 99th percentile %.2f ms, of 1,000.\n' "$(figure 18)" "$(figure 19)"
    printf -- '- A log of 100,000 events until a new node has read it: %.2f s; until a node whose connections were ended is back: %.2f s.\n' "$(figure 20)" "$(figure 21)"
    printf -- '- Commands of the server for each hit in Redis: %.2f.\n' "$(figure 17)"
    echo
    echo '| hits in Redis of 1 KiB (`GetAsync`, memory of one entry) | a second | to redis-benchmark -c 50 | to -P 32 -c 1 | bytes allocated each |'
    echo '|---|---:|---:|---:|---:|'
    printf '| redis-benchmark -c 50 | %.0f | 1.00 | %.2f | |\n' "$(figure 7)" "$(figure 7/1)"
    printf '| 1 caller | %.0f | %.2f | %.2f | %.0f |\n' "$(figure 11)" "$(figure 11/7)" "$(figure 11/1)" "$(figure 12)"
    printf '| 32 callers | %.0f | %.2f | %.2f | %.0f |\n' "$(figure 13)" "$(figure 13/7)" "$(figure 13/1)" "$(figure 14)"
    printf '| 64 callers | %.0f | %.2f | %.2f | %.0f |\n' "$(figure 15)" "$(figure 15/7)" "$(figure 15/1)" "$(figure 16)"
} >"$work/result.md"
if [[ -n $quick ]]; then
    cat "$work/result.md"
    echo 'Quick: nothing was written, and these figures mean nothing.'
    exit
fi
mv "$work/result.md" "$result"
tail -n 20 "$result"
echo "Written: $result"
