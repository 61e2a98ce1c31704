#!/usr/bin/env bash
# Feeds damaged and invented replies to the reader of the Redis protocol.
#   tests/fuzz.sh [INPUTS]     10,000,000 by default
# Needs bash and the .NET SDK. Ends with the test's own exit code.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
dotnet build tests/Larder.Tests -c Release -v quiet -nologo
LARDER_FUZZ=${1:-10000000} dotnet artifacts/bin/Larder.Tests/release/Larder.Tests.dll -noColor -class 'Larder.Tests.RedisClient.RespFuzzTests'
