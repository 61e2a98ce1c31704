#!/usr/bin/env bash
# Measures cache hits over HTTP on loopback: Larder in process and as a gateway, next to Kestrel alone, OutputCache, nginx and Varnish.
# Every figure is taken right after one of the ceiling (a bare endpoint), so that ratios stand even where the machine is noisy.
#
#   bench/http/run.sh [--rounds N] [--seconds S] [--warmup S] [--only name,name] [--out FILE]
#
#   --rounds   rounds over all servers, 5        --seconds  load per figure, 5        --warmup  load before measuring, per answer, 3
#   --only     of: terminal outputcache larder gateway nginx nginx-open-files varnish gateway-miss alloc
#   --out      the Markdown file; the JSON goes beside it. bench/results/http-YYYY-MM-DD.md
#
# Needs bash, node, wrk and the .NET SDK. nginx and varnishd are peers: one that is missing or does not start is skipped by name.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command_line="bench/http/run.sh${*:+ $*}"
origin_directory=$PWD
cd "$here/../.." || exit 1
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# The same for every .NET server: workstation collector, concurrent; tiered compilation with its profile, as by default.
export DOTNET_gcServer=0 DOTNET_gcConcurrent=1 Logging__LogLevel__Default=None
unset DOTNET_TieredPGO DOTNET_TieredCompilation ASPNETCORE_URLS

die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

rounds=5 seconds=5 warmup=3 only= out=bench/results/http-$(date -u +%F).md
known=,terminal,outputcache,larder,gateway,nginx,nginx-open-files,varnish,gateway-miss,alloc,
while (($# > 0)); do
    (($# > 1)) || die "$1 needs a value."
    case $1 in
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        --warmup) warmup=$2 ;;
        --only) only=$2 ;;
        --out) [[ $2 == /* ]] && out=$2 || out=$origin_directory/$2 ;;
        *) die "$1 is not known; see the head of this script." ;;
    esac
    shift 2
done
for value in "$rounds" "$seconds" "$warmup"; do [[ $value =~ ^[1-9][0-9]*$ ]] || die "'$value' is not a whole number above 0."; done
[[ $out == *.md ]] || die '--out must end in .md.'
for name in ${only//,/ }; do [[ $known == *",$name,"* ]] || die "--only does not know '$name'."; done
for tool in dotnet node wrk; do command -v "$tool" >/dev/null || die "$tool is missing; nothing can be measured without it."; done

work=$(mktemp -d)
chmod 755 "$work" # a daemon may change its user

# Stops what this script started and what of it still runs, by pid; a pid that ended may be somebody else's by now.
stop() {
    local code=$? tries
    trap - EXIT
    trap '' INT TERM
    for ((tries = 0; tries < 100; tries++)); do
        local running
        running=$(jobs -rp)
        [[ -z $running ]] && break
        ((tries == 0)) && kill -TERM $running 2>/dev/null
        ((tries == 99)) && kill -KILL $running 2>/dev/null
        sleep 0.1
    done
    wait
    rm -rf "$work"
    exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo 'Building (Release) ...'
for project in bench/http/Larder.Bench.Servers src/Larder.Cli; do
    dotnet build "$project" -c Release -v quiet -nologo >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; die "$project does not build."; }
done
servers=artifacts/bin/Larder.Bench.Servers/release/Larder.Bench.Servers.dll
gateway=artifacts/bin/Larder.Cli/release/Larder.Cli.dll

# All at once, so that no two are the same.
mapfile -t ports < <(node "$here/free-ports.mjs" 10)
((${#ports[@]} == 10)) || die 'no free ports.'
origin_port=${ports[0]}
origin=http://127.0.0.1:$origin_port

wanted() { [[ -z $only ]] && return 0; local name; for name; do [[ ,$only, == *",$name,"* ]] && return 0; done; return 1; }

# One line per server for measure.mjs: name, port, pid (0: it is not there), log or reason.
start() { # name, port, command...
    local name=$1 port=$2
    shift 2
    # Signals of the terminal reach this script alone; it ends its children itself.
    setsid "$@" >"$work/$name.log" 2>&1 </dev/null &
    printf '%s\t%s\t%s\t%s\n' "$name" "$port" "$!" "$work/$name.log" >>"$work/servers.tsv"
}
skip() { printf '%s\t0\t0\t%s\n' "$1" "$2" >>"$work/servers.tsv"; }

fill_in() { # template, target, name=value...
    local text pair
    text=$(<"$1")
    for pair in "${@:3}"; do text=${text//"@${pair%%=*}@"/"${pair#*=}"}; done
    printf '%s\n' "$text" >"$2"
}

start_nginx() { # name, port, open_file_cache directive
    local directory=$work/$1
    command -v nginx >/dev/null || { skip "$1" 'nginx is not installed'; return; }
    mkdir -p "$directory"
    fill_in "$here/peers/nginx.conf" "$directory/nginx.conf" "DIR=$directory" "PORT=$2" "ORIGIN_PORT=$origin_port" "USER=$(id -un)" "OPEN_FILE_CACHE=$3"
    start "$1" "$2" nginx -e "$directory/error.log" -c "$directory/nginx.conf" -p "$directory"
}

start_varnish() { # name, port
    local directory=$work/$1
    command -v varnishd >/dev/null || { skip "$1" 'varnishd is not installed'; return; }
    mkdir -p "$directory"
    fill_in "$here/peers/varnish.vcl" "$directory/bench.vcl" "ORIGIN_PORT=$origin_port"
    start "$1" "$2" varnishd -F -j none -n "$directory/state" -a "127.0.0.1:$2" -T none -f "$directory/bench.vcl" -s malloc,256m
}

start origin "$origin_port" dotnet "$servers" mapget "$origin_port"
start ceiling "${ports[1]}" dotnet "$servers" mapget "${ports[1]}"
wanted terminal alloc && start terminal "${ports[2]}" dotnet "$servers" terminal "${ports[2]}"
wanted outputcache alloc && start outputcache "${ports[3]}" dotnet "$servers" outputcache "${ports[3]}"
wanted larder alloc && start larder "${ports[4]}" dotnet "$servers" larder "${ports[4]}"
wanted gateway gateway-miss && start gateway "${ports[5]}" dotnet "$gateway" serve --origin "$origin" --urls "http://127.0.0.1:${ports[5]}"
wanted nginx && start_nginx nginx "${ports[6]}" ''
wanted nginx-open-files && start_nginx nginx-open-files "${ports[7]}" 'open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;'
wanted varnish && start_varnish varnish "${ports[8]}"
wanted gateway-miss && start forwarder "${ports[9]}" dotnet "$servers" forwarder "${ports[9]}" "$origin"

{
    bash bench/machine.sh
    printf -- '- %s' "$(wrk -v 2>&1 | sed -n '1s/ \[.*//p')"
    command -v nginx >/dev/null && printf '; %s' "$(nginx -v 2>&1 | sed 's/.*: //')"
    command -v varnishd >/dev/null && printf '; %s' "$(varnishd -V 2>&1 | sed -n '1s/.*(\(varnish-[^ ]*\).*/\1/p')"
    echo
    echo "- Command: \`$command_line\`"
} >"$work/machine.md"

mkdir -p "$(dirname "$out")"
# In the background, so that a signal is acted upon at once.
node "$here/measure.mjs" --servers "$work/servers.tsv" --machine "$work/machine.md" --rounds "$rounds" --seconds "$seconds" --warmup "$warmup" \
    --only "$only" --out "$out" &
wait $!
