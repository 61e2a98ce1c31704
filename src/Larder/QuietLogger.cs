using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// The program's logger, whose failures are nobody else's: a full disk must neither break a hit nor leave callers waiting
/// for a fill that could not tell of its end.
/// </summary>
internal sealed class QuietLogger(ILogger inner) : ILogger<LarderCache>
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull
    {
        try
        {
            return inner.BeginScope(state);
        }
        catch (Exception)
        {
            return null;
        }
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }
}
