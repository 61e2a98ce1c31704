using System.Buffers;
using System.IO.Pipelines;

namespace Larder.AspNetCore;

/// <summary>Puts one page together: its template comes in, literals and fragments go out in the order of the template.</summary>
/// <remarks>
/// Invariants.
/// 1. The template does not wait for fragments, unless it has run ahead of them as far as it may: others may wait for the template itself, and a fragment
///    of this page, or of a page that includes this one, may be among them.
/// 2. Only one writes to the output: the template's own writer as long as nothing waits, else the pump. The gate guards who that is and what waits.
/// 3. A few fragments are asked for ahead, never more at once than the level allows, and each is waited for, or cancelled and waited for.
/// 4. After a problem nothing is written any more; what is read is passed over.
/// </remarks>
internal sealed class EsiAssembler(EsiExchange exchange, PipeWriter output, long? length, PageFreshness freshness) : IAsyncDisposable
{
    /// <summary>What is found in a piece is more than the piece: it is looked at in small ones.</summary>
    private const int LargestPiece = 64 * 1024;

    private readonly EsiParser _parser = new();
    private readonly FragmentChooser _fragments = new(exchange);
    private readonly PartQueue _waiting = new(exchange.Level.Ahead);
    private readonly Lock _gate = new();
    private PageFreshness _freshness = freshness;
    private Task _pump = Task.CompletedTask;
    private bool _pumping;
    private long _read;
    private long _written;
    private bool _started;
    private volatile bool _ended;
    private volatile bool _clientLeft;
    private volatile string? _problem;

    /// <summary>Why the page can't be completed; null as long as it can.</summary>
    public string? Problem
    {
        get => _problem;
        private set => _problem = value;
    }

    /// <summary>Fragments that were left out, as their tags allow.</summary>
    public int Missing { get; private set; }

    public int UnknownTags { get; private set; }

    private bool IsOver => _clientLeft || Problem is not null;

    /// <summary>Takes a piece of the template. Its bytes are the caller's again when this ends.</summary>
    public async ValueTask ReadAsync(ReadOnlyMemory<byte> piece)
    {
        for (; piece.Length > LargestPiece; piece = piece[LargestPiece..]) await ReadPieceAsync(piece[..LargestPiece]);
        await ReadPieceAsync(piece);
    }

    /// <summary>What waits goes its way; what has been written leaves.</summary>
    public async ValueTask<FlushResult> FlushAsync()
    {
        Task pump = PumpAsync();
        bool pumping;
        lock (_gate) pumping = _pumping;
        // While there is a pump, it flushes what it writes.
        if (!pumping)
        {
            await pump;
            await FlushOutputAsync();
        }
        return new(isCanceled: false, isCompleted: _clientLeft);
    }

    /// <summary>The template has ended.</summary>
    public async ValueTask EndAsync()
    {
        lock (_gate)
        {
            _ended = true;
            _waiting.Add(EsiPart.Literal(_parser.End()));
        }
        await PumpAsync();
        if (IsOver) return;
        await StartAsync();
        await FlushOutputAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ended) Problem ??= "the template broke off";
        _fragments.Cancel();
        try
        {
            await _pump;
        }
        finally
        {
            // A pump that failed has left some.
            while (_waiting.TryTake() is { } left)
                if (left.Fetched is { } fetched) (await fetched).Dispose();
            _fragments.Dispose();
        }
    }

    private async ValueTask ReadPieceAsync(ReadOnlyMemory<byte> piece)
    {
        var found = new List<EsiPart>();
        bool hasInclude = false;
        while (!IsOver)
        {
            int before = piece.Length;
            bool any = _parser.TryRead(ref piece, out EsiPart part);
            Interlocked.Add(ref _read, before - piece.Length);
            if (!any) break;
            if (part.Kind == EsiPartKind.Unknown) UnknownTags++;
            else found.Add(part);
            hasInclude |= part.Include is not null;
        }
        bool passes;
        lock (_gate)
        {
            passes = !hasInclude && !_pumping && _waiting.IsEmpty;
            if (!passes)
                foreach (EsiPart part in found) _waiting.Add(part);
        }
        if (passes)
            foreach (EsiPart part in found) await WriteAsync(part.Text);
        else if (_waiting.IsFull) await PumpAsync();
    }

    private Task PumpAsync()
    {
        lock (_gate)
        {
            if (_pumping || _waiting.IsEmpty) return _pump;
            _pumping = true;
        }
        return _pump = RunPumpAsync();
    }

    private async Task RunPumpAsync()
    {
        try
        {
            do
            {
                while (Next() is { } part)
                {
                    if (part.Fetched is null)
                    {
                        await WriteAsync(part.Text);
                        continue;
                    }
                    // What stands in front of a fragment does not wait for it.
                    if (!part.Fetched.IsCompleted) await FlushOutputAsync();
                    using Fragment fragment = await part.Fetched;
                    await WriteAsync(fragment);
                }
                await FlushOutputAsync();
            }
            while (!TryEndPump());
        }
        catch
        {
            lock (_gate) _pumping = false;
            throw;
        }
    }

    /// <summary>The output is the template's writer's again, unless something has come while the last of it was flushed.</summary>
    private bool TryEndPump()
    {
        lock (_gate) return !(_pumping = !_waiting.IsEmpty);
    }

    /// <summary>The next part to write; null where none is left.</summary>
    private WaitingPart? Next()
    {
        lock (_gate) _waiting.Done();
        while (!IsOver && ToAsk() is { } ahead) ahead.Fetched = _fragments.FetchAsync(ahead.Include!);
        WaitingPart? next;
        lock (_gate) next = _waiting.TryTake();
        // It may have come just now. Once the page is over nobody is asked any more.
        if (next is { Include: { } include, Fetched: null } && !IsOver) next.Fetched = _fragments.FetchAsync(include);
        return next;
    }

    private WaitingPart? ToAsk()
    {
        lock (_gate) return _waiting.TakeToAsk();
    }

    private async ValueTask WriteAsync(Fragment fragment)
    {
        if (IsOver) return;
        if (fragment.Problem is { } problem) Problem = problem;
        else if (ReferenceEquals(fragment, Fragment.Missing)) Missing++;
        if (!_started) Know(fragment);
        foreach (ReadOnlyMemory<byte> segment in fragment.Body.Segments)
        {
            await WriteAsync(segment);
            await FlushOutputAsync();
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (IsOver || bytes.IsEmpty) return;
        _written += bytes.Length;
        if (_written > exchange.Layer.Options.MaxPageBytes)
        {
            Problem = "the page is larger than pages may be";
            return;
        }
        await StartAsync();
        output.Write(bytes.Span);
    }

    private async ValueTask FlushOutputAsync()
    {
        if (!_started || IsOver) return;
        FlushResult result = await output.FlushAsync();
        _clientLeft |= result.IsCompleted || result.IsCanceled;
    }

    private async ValueTask StartAsync()
    {
        if (_started) return;
        _started = true;
        await exchange.StartPageAsync(KnownFreshness());
    }

    /// <summary>What is known when the page starts: all, where the whole template has been read and no fragment is still to come.</summary>
    private PageFreshness? KnownFreshness()
    {
        lock (_gate)
        {
            if (!_ended && Interlocked.Read(ref _read) != length) return null;
            if (!_waiting.TryGetAll(out List<Fragment> fragments)) return null;
            foreach (Fragment fragment in fragments) Know(fragment);
            return _freshness;
        }
    }

    private void Know(Fragment fragment) => _freshness.Add(fragment.Headers, exchange.Layer.Now);
}
