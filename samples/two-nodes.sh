#!/usr/bin/env bash
# Two gateways share one Redis before one API, all on loopback: what one has asked for the other has, and a write through one ends it on both.
# Builds what it needs, which takes a minute the first time, shows three answers, and stops everything again. Needs the .NET SDK, redis-server, redis-cli and curl.
#   samples/two-nodes.sh
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

work=$(mktemp -d)
pids=()

die() { printf 'two-nodes.sh: %s\n' "$*" >&2; exit 1; }

# Ends what this script started, by its own pids, the latest first.
stop() {
    local code=$?
    trap - EXIT INT TERM
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -TERM "${pids[i]}" 2>/dev/null
        wait "${pids[i]}" 2>/dev/null
    done
    rm -rf "$work"
    ((${#pids[@]} == 0)) || echo 'Stopped.'
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for tool in dotnet redis-server redis-cli curl; do command -v "$tool" >/dev/null || die "$tool is missing."; done

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Sets the variable to a port that nobody listens on, below those that the system gives out.
free_port() { # variable
    local candidate
    while candidate=$((12000 + RANDOM % 20000)) && listening "$candidate"; do :; done
    printf -v "$1" '%s' "$candidate"
}

until_true() { # what, pid, command ...
    local what=$1 pid=$2 deadline=$((SECONDS + 60))
    shift 2
    until "$@"; do
        kill -0 "$pid" 2>/dev/null || { cat "$work/$what.log" >&2; die "$what has ended."; }
        ((SECONDS < deadline)) || { cat "$work/$what.log" >&2; die "$what is not ready within a minute."; }
        sleep 0.1
    done
}

answers() { curl -fs -o /dev/null --max-time 2 "$1"; }

echo 'Building (Release); the first time this takes a minute ...'
for project in samples/Larder.Samples.Origin src/Larder.Cli; do
    dotnet build "$project" -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; die "$project does not build."; }
done

free_port redis_port
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/redis.log" 2>&1 &
pids+=($!)
until_true redis $! listening "$redis_port"

free_port origin_port
dotnet artifacts/bin/Larder.Samples.Origin/release/Larder.Samples.Origin.dll --urls "http://127.0.0.1:$origin_port" >"$work/origin.log" 2>&1 &
pids+=($!)
until_true origin $! answers "http://127.0.0.1:$origin_port/health"

# It does not start before it uses Redis, so the order of what follows is certain. The timeout is one that a busy machine keeps.
gateway() { # name, port
    dotnet artifacts/bin/Larder.Cli/release/Larder.Cli.dll serve --origin "http://127.0.0.1:$origin_port" --urls "http://127.0.0.1:$2" --config samples/larder.json \
        --redis "redis://127.0.0.1:$redis_port?failOnConnectionError=true&timeout=5s&connectTimeout=20s" >"$work/$1.log" 2>&1 &
    pids+=($!)
    until_true "$1" $! answers "http://127.0.0.1:$2/healthz"
}
free_port a
gateway A "$a"
free_port b
gateway B "$b"

# One name for both, as a load balancer would have it: it belongs to the key of a response.
host='Host: api.example'
note=/zones/Europe.Berlin/note
ask() { # what, port
    curl -s -H "$host" -D "$work/head" -o "$work/body" --max-time 30 "http://127.0.0.1:$2$note" || die "$1: no answer."
    status=$(tr -d '\r' <"$work/head" | sed -n 's/^[Cc]ache-[Ss]tatus: //p')
}

show() { # what
    printf '%-24s %s\n%-24s %s\n' "$1" "${status:-no Cache-Status}" '' "$(head -c 200 "$work/body")"
}

# What is made is sent to Redis after its answer: so long a place has its name and nothing in it.
stored() {
    local key
    for key in $(redis-cli -p "$redis_port" --scan --pattern 'larder:[eh]:*'); do
        (($(redis-cli -p "$redis_port" strlen "$key") > 16)) && return
    done
    return 1
}

echo
ask 'A' "$a"
show 'A asks the API'
until_true redis "${pids[0]}" stored
ask 'B' "$b"
show 'B has it from Redis'
[[ $status == *hit-redis* ]] || die 'a hit in Redis was expected.'

curl -fs -o /dev/null -X PUT -H "$host" -H 'Content-Type: application/json' -d '{"text":"Coffee at nine"}' "http://127.0.0.1:$a$note" || die 'the write failed.'
echo 'A lets a write through; when it is answered, the log in Redis has it'
# B reads the log by itself, a millisecond later as a rule.
knows() { ask 'B' "$b" && [[ $status != *'; hit'* ]]; }
until_true redis "${pids[0]}" knows
show 'B asks the API again'
grep -q 'Coffee at nine' "$work/body" || die 'the new text was expected.'
