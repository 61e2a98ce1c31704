using System.Buffers;
using System.IO.Pipelines;

namespace Larder.AspNetCore;

/// <summary>Puts one page together: its template comes in, literals and fragments go out in the order of the template.</summary>
/// <remarks>
/// Invariants.
/// 1. What has been read is written before <see cref="ReadAsync"/> returns: nothing of the template is kept, and whoever writes slowly is read slowly.
/// 2. A few fragments are asked for ahead within what has been read, never more at once than the level allows, and each is waited for or cancelled.
/// 3. After a problem nothing is written any more; what is read is passed over.
/// </remarks>
internal sealed class EsiAssembler(EsiExchange exchange, PipeWriter output, long? length, PageFreshness freshness) : IAsyncDisposable
{
    /// <summary>So many parts wait for a fragment at most, however many there are to a piece.</summary>
    private const int MostWaiting = 64;

    private readonly EsiParser _parser = new();
    private readonly FragmentChooser _fragments = new(exchange);
    private readonly Queue<(ReadOnlyMemory<byte> Text, Task<Fragment>? Fragment)> _waiting = new();
    private PageFreshness _freshness = freshness;
    private int _underWay;
    private long _read;
    private long _written;
    private bool _started;
    private bool _ended;
    private bool _clientLeft;

    /// <summary>Why the page can't be completed; null as long as it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Fragments that were left out, as their tags allow.</summary>
    public int Missing { get; private set; }

    public int UnknownTags { get; private set; }

    private bool IsOver => _clientLeft || Problem is not null;

    /// <summary>Takes a piece of the template and writes what is in it.</summary>
    public async ValueTask ReadAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        while (!IsOver)
        {
            int before = piece.Length;
            bool found = _parser.TryRead(ref piece, out EsiPart part);
            _read += before - piece.Length;
            if (!found) break;
            if (part.Kind == EsiPartKind.Unknown) UnknownTags++;
            else await AddAsync(part, cancellationToken);
        }
        while (_waiting.Count > 0) await WriteNextAsync(cancellationToken);
    }

    /// <summary>The template has ended.</summary>
    public async ValueTask EndAsync()
    {
        _ended = true;
        _waiting.Enqueue((_parser.End(), null));
        while (_waiting.Count > 0) await WriteNextAsync(CancellationToken.None);
        if (IsOver) return;
        await StartAsync(CancellationToken.None);
        await FlushAsync(CancellationToken.None);
    }

    public async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        if (_started && !IsOver) Note(await output.FlushAsync(cancellationToken));
        return new(isCanceled: false, isCompleted: _clientLeft);
    }

    public async ValueTask DisposeAsync()
    {
        _fragments.Cancel();
        while (_waiting.TryDequeue(out var part))
            if (part.Fragment is { } fragment) (await fragment).Dispose();
        _fragments.Dispose();
    }

    private async ValueTask AddAsync(EsiPart part, CancellationToken cancellationToken)
    {
        while (_waiting.Count == MostWaiting) await WriteNextAsync(cancellationToken);
        if (part.Include is not { } include)
        {
            _waiting.Enqueue((part.Text, null));
            return;
        }
        while (_underWay == exchange.Level.Ahead) await WriteNextAsync(cancellationToken);
        if (IsOver) return;
        _underWay++;
        _waiting.Enqueue((default, _fragments.FetchAsync(include)));
    }

    private async ValueTask WriteNextAsync(CancellationToken cancellationToken)
    {
        (ReadOnlyMemory<byte> text, Task<Fragment>? fetched) = _waiting.Peek();
        if (fetched is null)
        {
            // The rest is looked at when it is known whether this is the first to be written.
            if (!IsOver && text.Length > 0) await WriteAsync(text, cancellationToken);
            _waiting.Dequeue();
            return;
        }
        using Fragment fragment = await fetched;
        _waiting.Dequeue();
        _underWay--;
        if (IsOver) return;
        if (fragment.Problem is { } problem) Problem = problem;
        else if (ReferenceEquals(fragment, Fragment.Missing)) Missing++;
        if (!_started) Know(fragment);
        foreach (ReadOnlyMemory<byte> segment in fragment.Body.Segments)
        {
            if (IsOver) return;
            await WriteAsync(segment, cancellationToken);
            Note(await output.FlushAsync(cancellationToken));
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _written += bytes.Length;
        if (_written > exchange.Layer.Options.MaxPageBytes)
        {
            Problem = "the page is larger than pages may be";
            return;
        }
        await StartAsync(cancellationToken);
        output.Write(bytes.Span);
    }

    private async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (_started) return;
        _started = true;
        await exchange.StartPageAsync(KnownFreshness(), cancellationToken);
    }

    /// <summary>What is known when the page starts: all, where the whole template has been read and no fragment is still to come.</summary>
    private PageFreshness? KnownFreshness()
    {
        if (!_ended && _read != length) return null;
        foreach ((_, Task<Fragment>? fetched) in _waiting)
        {
            if (fetched is null) continue;
            if (!fetched.IsCompletedSuccessfully) return null;
            Know(fetched.Result);
        }
        return _freshness;
    }

    private void Know(Fragment fragment) => _freshness.Add(fragment.Headers, exchange.Layer.Now);

    private void Note(FlushResult result) => _clientLeft |= result.IsCompleted || result.IsCanceled;
}
