using System.Collections.Concurrent;

namespace Larder.Tests.Examples;

/// <summary>Stands in the place of the console where an example's output is looked at.</summary>
/// <remarks>A listener to meters is told of the caches of all tests, on their threads.</remarks>
internal sealed class Lines
{
    private readonly ConcurrentQueue<string> _lines = new();

    public string[] All => [.. _lines];

    public void WriteLine(string line) => _lines.Enqueue(line);
}
