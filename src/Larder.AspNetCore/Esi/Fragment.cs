using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>What came of asking for a fragment: its bytes, until it is disposed, or why there are none.</summary>
internal sealed class Fragment : IDisposable
{
    private readonly ResponseRecorder? _recorder;

    private Fragment(ResponseRecorder? recorder, IHeaderDictionary headers, string? problem)
    {
        _recorder = recorder;
        Body = recorder?.ToBody() ?? StoredBody.Empty;
        Headers = headers;
        Problem = problem;
    }

    /// <summary>Nothing was put in its place: the page goes on without it.</summary>
    public static Fragment Missing { get; } = new(null, new HeaderDictionary(), null);

    public StoredBody Body { get; }

    public IHeaderDictionary Headers { get; }

    /// <summary>Null where there is none. Never has a URL in it.</summary>
    public string? Problem { get; }

    public static Fragment Of(ResponseRecorder recorder, IHeaderDictionary headers) => new(recorder, headers, null);

    public static Fragment Failed(string problem) => new(null, new HeaderDictionary(), problem);

    /// <summary>Gives back what its bytes count for.</summary>
    public void Dispose() => _recorder?.Dispose();
}
