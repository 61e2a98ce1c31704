#!/usr/bin/env bash
# Builds Larder and runs everything that can fail: each test project, with coverage, then the public HTTP cache suite against the gateway.
# Needs bash, coreutils and the .NET SDK; on Debian or Ubuntu it installs the rest when it is root, elsewhere it says what is missing.
# COVERAGE_MIN (90) is the least line coverage of src, in percent. Logs: artifacts/test-results. The last line is the sum.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

results=$PWD/artifacts/test-results
coverage_min=${COVERAGE_MIN:-90}
passed=0 failed=0 skipped=0

close() {
    local line="$passed passed, $failed failed"
    ((skipped == 0)) || line+=", $skipped skipped"
    echo "$line"
    ((failed == 0)) && exit 0
    exit 1
}

# Something that could not run counts as a failure: a closing line must not look better because less was tried.
broken() { # message, log
    failed=$((failed + 1))
    echo "FAILED: $1"
    [[ -z ${2-} ]] || { echo "  the last lines of ${2#"$PWD/"}:"; tail -n 25 "$2"; }
}

has() { command -v "$1" >/dev/null 2>&1; }

install_tools() {
    local packages=()
    has node || packages+=(nodejs)
    has npm || packages+=(npm)
    has curl || packages+=(curl)
    has python3 || packages+=(python3)
    has redis-server || packages+=(redis-server)
    if ((${#packages[@]} > 0)); then
        if ! has apt-get || ((EUID != 0)); then
            broken "these are missing, please install them: ${packages[*]}"
            close
        fi
        echo "Installing ${packages[*]} ..."
        if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$results/install.log" 2>&1; then
            broken "could not install ${packages[*]}" "$results/install.log"
            close
        fi
    fi
    if ! node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)'; then
        broken "node $(node --version) is too old: 18 or newer is needed"
        close
    fi
}

build() {
    echo 'Building (Release) ...'
    if ! dotnet build Larder.slnx -c Release -v quiet -nologo >"$results/build.log" 2>&1; then
        broken 'the build' "$results/build.log"
        close
    fi
}

# The totals come from the trx report, not from the console, whose wording changes with the runner.
test_project() { # project file
    local name=${1##*/} log code=0 p='' f='' s=''
    name=${name%.csproj}
    log=$results/$name.log
    dotnet test "$1" -c Release --no-build --nologo --results-directory "$results/$name" \
        --logger "trx;LogFileName=$name.trx" --collect 'Code Coverage;Format=Cobertura' \
        --blame-hang --blame-hang-timeout 10m --blame-hang-dump-type none >"$log" 2>&1 || code=$?

    local details=$results/$name.totals
    if node tests/totals.mjs "$results/$name/$name.trx" >"$details" 2>>"$log"; then
        { read -r p f s; cat; } <"$details"
    fi
    if [[ -z $p ]]; then
        broken "$name did not run (exit code $code)" "$log"
        return
    fi
    echo "$name: $p passed, $f failed, $s skipped"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if ((p + f == 0)); then
        broken "$name ran no test" "$log"
    elif ((code != 0 && f == 0)); then
        broken "$name ended with exit code $code" "$log"
    fi
}

coverage() {
    node tests/coverage.mjs "$results" "$coverage_min" || broken "line coverage of src is below $coverage_min % or unknown"
}

conformance() {
    local log=$results/conformance.log code=0 line last='' differences=0 shown=20
    echo 'HTTP cache suite against the gateway ...'
    if ! (cd tests/Larder.Conformance && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
        broken 'the HTTP cache suite could not be installed' "$log"
        return
    fi
    node tests/Larder.Conformance/run.mjs --json "$results/conformance.json" >"$log" 2>&1 || code=$?
    while IFS= read -r line; do
        last=$line
        # Known failures stay in the log.
        case $line in
            required\ * | flaky:* | Tighten*) echo "  $line" ;;
            regression:* | stale:*) ((++differences > shown)) || echo "  $line" ;;
        esac
    done <"$log"
    ((differences <= shown)) || echo "  ... and $((differences - shown)) more: ${log#"$PWD/"}"
    if [[ ! $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        broken "the HTTP cache suite did not run (exit code $code)" "$log"
        return
    fi
    local p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    echo "Larder.Conformance: $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
    if ((code != 0 && f == 0)); then
        broken "the HTTP cache suite ended with exit code $code" "$log"
    elif ((p == 0)); then
        tail -n 5 "$log" # it could not start: its log says why
    fi
}

rm -rf "$results"
mkdir -p "$results"
if ! has dotnet; then
    broken 'dotnet is missing: install the .NET 10 SDK'
    close
fi
# The built programs look for the runtime where the SDK is, wherever that was installed.
dotnet_path=$(readlink -f "$(command -v dotnet)")
export DOTNET_ROOT=${DOTNET_ROOT:-${dotnet_path%/*}}

install_tools
build
for project in tests/*/*.csproj; do test_project "$project"; done
coverage
conformance
close
