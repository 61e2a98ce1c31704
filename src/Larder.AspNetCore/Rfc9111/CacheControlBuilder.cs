namespace Larder.AspNetCore.Rfc9111;

/// <summary>Collects directives into a <see cref="CacheControl"/>; the meaning of each name is here.</summary>
internal struct CacheControlBuilder
{
    private bool _noStore, _noCache, _private, _public, _mustRevalidate, _proxyRevalidate, _mustUnderstand;
    private bool _noTransform, _immutable, _onlyIfCached, _maxStale, _maxStaleSeen;
    private long? _maxAge, _sMaxAge, _minFresh, _staleWhileRevalidate, _staleIfError, _maxStaleSeconds;
    private List<string>? _noCacheFields, _privateFields;

    /// <summary>Adds one directive; unknown ones are ignored (RFC 9111 §5.2.3).</summary>
    public void Add(CacheDirective directive)
    {
        ReadOnlySpan<char> name = directive.Name;
        if (FieldSyntax.Is(name, "max-age")) _maxAge ??= Lifetime(directive);
        else if (FieldSyntax.Is(name, "s-maxage")) _sMaxAge ??= Lifetime(directive);
        else if (FieldSyntax.Is(name, "no-store")) _noStore = true;
        else if (FieldSyntax.Is(name, "no-cache")) _noCache |= !TryAddFields(directive, ref _noCacheFields);
        else if (FieldSyntax.Is(name, "private")) _private |= !TryAddFields(directive, ref _privateFields);
        else if (FieldSyntax.Is(name, "public")) _public = true;
        else if (FieldSyntax.Is(name, "must-revalidate")) _mustRevalidate = true;
        else if (FieldSyntax.Is(name, "stale-while-revalidate")) _staleWhileRevalidate ??= Window(directive);
        else if (FieldSyntax.Is(name, "stale-if-error")) _staleIfError ??= Window(directive);
        else if (FieldSyntax.Is(name, "proxy-revalidate")) _proxyRevalidate = true;
        else if (FieldSyntax.Is(name, "must-understand")) _mustUnderstand = true;
        else if (FieldSyntax.Is(name, "no-transform")) _noTransform = true;
        else if (FieldSyntax.Is(name, "immutable")) _immutable = true;
        else if (FieldSyntax.Is(name, "only-if-cached")) _onlyIfCached = true;
        else if (FieldSyntax.Is(name, "min-fresh")) _minFresh ??= Window(directive);
        else if (FieldSyntax.Is(name, "max-stale")) AddMaxStale(directive);
    }

    /// <summary>What has been collected.</summary>
    public readonly CacheControl Build() => new()
    {
        NoStore = _noStore,
        NoCache = _noCache,
        Private = _private,
        Public = _public,
        MustRevalidate = _mustRevalidate,
        ProxyRevalidate = _proxyRevalidate,
        MustUnderstand = _mustUnderstand,
        NoTransform = _noTransform,
        Immutable = _immutable,
        OnlyIfCached = _onlyIfCached,
        NoCacheFields = _noCacheFields?.ToArray(),
        PrivateFields = _privateFields?.ToArray(),
        MaxAge = _maxAge,
        SMaxAge = _sMaxAge,
        MinFresh = _minFresh,
        StaleWhileRevalidate = _staleWhileRevalidate,
        StaleIfError = _staleIfError,
        MaxStale = _maxStale,
        MaxStaleSeconds = _maxStaleSeconds,
    };

    /// <summary>An invalid lifetime counts as none: the response is stale (§4.2.1).</summary>
    private static long Lifetime(CacheDirective directive) =>
        DeltaSeconds.TryParse(directive.Argument, out long seconds) ? seconds : 0;

    /// <summary>An invalid window grants nothing.</summary>
    private static long? Window(CacheDirective directive) =>
        DeltaSeconds.TryParse(directive.Argument, out long seconds) ? seconds : null;

    private void AddMaxStale(CacheDirective directive)
    {
        if (_maxStaleSeen) return;
        _maxStaleSeen = true;
        _maxStaleSeconds = Window(directive);
        _maxStale = !directive.HasArgument || _maxStaleSeconds is not null;
    }

    /// <summary>
    /// Adds the field names of the argument. False when there are none or one is no token (an escaped one included):
    /// then the directive covers the whole response, which is the stricter reading.
    /// </summary>
    private static bool TryAddFields(CacheDirective directive, ref List<string>? fields)
    {
        bool any = false;
        ReadOnlySpan<char> rest = directive.Argument;
        while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> name))
        {
            if (!FieldSyntax.IsToken(name)) return false;
            (fields ??= []).Add(name.ToString());
            any = true;
        }
        return any;
    }
}
