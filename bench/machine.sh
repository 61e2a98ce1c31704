#!/usr/bin/env bash
# Describes this machine in Markdown; the scripts here put it at the head of every result.
set -u
cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)
os=$(. /etc/os-release && printf '%s' "$PRETTY_NAME")
printf -- '- CPU: %s, %s cores; memory: %s\n' "${cpu:-unknown}" "$(nproc)" "$memory"
printf -- '- OS: %s, Linux %s\n' "$os" "$(uname -r)"
printf -- '- .NET SDK %s, runtime %s\n' "$(dotnet --version)" \
    "$(dotnet --list-runtimes | sed -n 's/^Microsoft\.NETCore\.App \([^ ]*\).*/\1/p' | tail -n 1)"
printf -- '- Date: %s; load average at the start: %s\n' "$(date -u '+%F %H:%M UTC')" "$(cut -d' ' -f1-3 /proc/loadavg)"
printf -- '- Commit: %s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)"
