#!/usr/bin/env bash
# Builds Larder, then runs the sample origin and the gateway in front of it, both on loopback, until Ctrl-C.
# Needs the .NET SDK and nothing else. PORT (8080) is the gateway's, ORIGIN_PORT (8081) the origin's.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

port=${PORT:-8080}
origin_port=${ORIGIN_PORT:-8081}
logs=artifacts/run
origin_pid=
gateway_pid=

die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

# Bash speaks TCP itself: no curl is needed to see whether a port answers.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

answers_200() { # port, path
    local status
    status=$( { exec 3<>"/dev/tcp/127.0.0.1/$1" \
        && printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3 \
        && IFS= read -r -t 2 line <&3 && printf '%s' "$line"; } 2>/dev/null )
    [[ $status == 'HTTP/1.1 200 '* ]]
}

wait_until_ready() { # name, pid, port, path
    local deadline=$((SECONDS + 30))
    while ((SECONDS < deadline)); do
        kill -0 "$2" 2>/dev/null || died "$1"
        answers_200 "$3" "$4" && return
        sleep 0.1
    done
    die "the $1 did not answer $4 on port $3 within 30 s; see $logs/$1.log"
}

died() { # name
    printf 'run.sh: the %s ended; the last lines of %s:\n' "$1" "$logs/$1.log" >&2
    tail -n 15 "$logs/$1.log" >&2
    exit 1
}

# Stops what this script started, by its own pids, and waits until it is gone.
stop() {
    local code=$?
    trap - EXIT INT TERM
    local pid
    for pid in $gateway_pid $origin_pid; do kill -TERM "$pid" 2>/dev/null; done
    for pid in $gateway_pid $origin_pid; do wait "$pid" 2>/dev/null; done
    [[ -n $origin_pid ]] && echo 'Stopped.'
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

command -v dotnet >/dev/null || die 'dotnet is missing: install the .NET 10 SDK.'
for value in "$port" "$origin_port"; do
    [[ $value =~ ^[0-9]{1,5}$ ]] && ((10#$value >= 1 && 10#$value <= 65535)) || die "'$value' is not a port."
done
[[ $port != "$origin_port" ]] || die 'PORT and ORIGIN_PORT must differ.'
listening "$port" && die "port $port is taken; choose another: PORT=9080 ./run.sh"
listening "$origin_port" && die "port $origin_port is taken; choose another: ORIGIN_PORT=9081 ./run.sh"

mkdir -p "$logs"
echo 'Building (Release) ...'
for project in samples/Larder.Samples.Origin src/Larder.Cli; do
    dotnet build "$project" -c Release -v quiet -nologo >"$logs/build.log" 2>&1 || { cat "$logs/build.log" >&2; die "$project does not build."; }
done

dotnet artifacts/bin/Larder.Samples.Origin/release/Larder.Samples.Origin.dll --urls "http://127.0.0.1:$origin_port" >"$logs/origin.log" 2>&1 &
origin_pid=$!
dotnet artifacts/bin/Larder.Cli/release/Larder.Cli.dll serve --origin "http://127.0.0.1:$origin_port" --urls "http://127.0.0.1:$port" \
    --config samples/larder.json >"$logs/gateway.log" 2>&1 &
gateway_pid=$!
wait_until_ready origin "$origin_pid" "$origin_port" /health
wait_until_ready gateway "$gateway_pid" "$port" /healthz

note="http://127.0.0.1:$port/zones/Europe.Berlin/note"
cat <<EOF

Gateway  http://127.0.0.1:$port     the cache: ask here
Origin   http://127.0.0.1:$origin_port     a plain API; X-Origin-Calls counts how often it was asked
Rules    samples/larder.json        Logs  $logs/

Try, in another terminal:

  1. curl -i $note
     The first time Cache-Status names a miss and its reason. Run it again: a hit, with Age, and X-Origin-Calls does not move.

  2. curl -i -X PUT -H 'Content-Type: application/json' -d '{"text":"Coffee at nine"}' $note
     The write goes through to the origin and invalidates what was kept of this zone before its answer reaches you.

  3. curl -i $note
     A miss once more, and the new text: no reader sees the old one after the write was acknowledged.

Ctrl-C stops both.
EOF

while true; do
    kill -0 "$origin_pid" 2>/dev/null || died origin
    kill -0 "$gateway_pid" 2>/dev/null || died gateway
    sleep 1 & # in the background, so that a signal is acted upon at once
    wait $!
done
