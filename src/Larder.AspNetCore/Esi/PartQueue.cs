namespace Larder.AspNetCore;

/// <summary>A part of a page that waits to be written.</summary>
internal sealed class WaitingPart(ReadOnlyMemory<byte> text, EsiInclude? include)
{
    public ReadOnlyMemory<byte> Text => text;

    public EsiInclude? Include => include;

    /// <summary>The fragment, as soon as it has been asked for.</summary>
    public Task<Fragment>? Fetched { get; set; }
}

/// <summary>What waits to be written, in order, and which of it is to be asked for next. Used under its owner's gate.</summary>
internal sealed class PartQueue(int ahead)
{
    /// <summary>So far may a template run ahead of its fragments: most are smaller, and so are free of them at once.</summary>
    private const int MostBytes = 256 * 1024;
    private const int MostParts = 4096;

    private readonly LinkedList<WaitingPart> _parts = new();
    private LinkedListNode<WaitingPart>? _nextToAsk;
    private WaitingPart? _taken;
    private int _underWay;
    private long _bytes;

    public bool IsEmpty => _parts.Count == 0;

    public bool IsFull => _bytes > MostBytes || _parts.Count > MostParts;

    /// <summary>Adds a part; text is copied.</summary>
    public void Add(in EsiPart part)
    {
        if (part.Include is null && part.Text.IsEmpty) return;
        LinkedListNode<WaitingPart> added = _parts.AddLast(new WaitingPart(part.Text.ToArray(), part.Include));
        _bytes += part.Text.Length;
        if (part.Include is not null) _nextToAsk ??= added;
    }

    /// <summary>The next fragment to be asked for; null where enough are under way.</summary>
    public WaitingPart? TakeToAsk()
    {
        if (_nextToAsk is not { } next || _underWay >= ahead) return null;
        _underWay++;
        for (_nextToAsk = next.Next; _nextToAsk is { Value.Include: null };) _nextToAsk = _nextToAsk.Next;
        return next.Value;
    }

    /// <summary>Takes the first part off. Until <see cref="Done"/> its fragment is under way; the caller asks for it where nobody has.</summary>
    public WaitingPart? TryTake()
    {
        if (_parts.First is not { } first) return null;
        if (ReferenceEquals(first, _nextToAsk))
        {
            _underWay++;
            for (_nextToAsk = first.Next; _nextToAsk is { Value.Include: null };) _nextToAsk = _nextToAsk.Next;
        }
        _parts.RemoveFirst();
        _bytes -= first.Value.Text.Length;
        return _taken = first.Value;
    }

    /// <summary>The part that was taken has been written.</summary>
    public void Done()
    {
        if (_taken?.Include is not null) _underWay--;
        _taken = null;
    }

    /// <summary>All fragments that wait; false where one is still to come.</summary>
    public bool TryGetAll(out List<Fragment> known)
    {
        known = [];
        foreach (WaitingPart part in _parts)
        {
            if (part.Include is null) continue;
            if (part.Fetched is not { IsCompletedSuccessfully: true } fetched) return false;
            known.Add(fetched.Result);
        }
        return true;
    }
}
