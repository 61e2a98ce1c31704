#!/usr/bin/env bash
# Runs the fault rows of the Redis tier again and again, each time with another seed.
#   tests/faults.sh [TIMES]     3 by default
# Needs bash, the .NET SDK and redis-server. Ends at the first run that fails, with its exit code.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
dotnet build tests/Larder.IntegrationTests -c Release -v quiet -nologo
for ((seed = 1; seed <= ${1:-3}; seed++)); do
    echo "seed $seed"
    LARDER_FAULTS=$seed dotnet artifacts/bin/Larder.IntegrationTests/release/Larder.IntegrationTests.dll -noColor -namespace 'Larder.IntegrationTests.RedisFaults'
done
