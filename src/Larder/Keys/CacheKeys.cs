using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder;

/// <summary>
/// Makes keys of the three usual forms. Different inputs make different keys: every part stands with its length in front,
/// every value with a mark of its type. Keys begin with what they are about, as it is written: patterns such as
/// <c>prompt.*</c>, <c>/api/analytics/*</c> or <c>summarize *</c> match that, and a space ends it.
/// </summary>
/// <remarks>
/// <code>
/// prompt.list 4:page=i1:1 4:sort=s4:name @3:ann |e11             endpoint, parameters, user
/// /jobs?a=1&amp;b=2 m3:GET h6:accept=s9:text/html @3:ann |r13.5       path and query, method, headers, user
/// summarize t5:hello 10:max_length=i3:100 q4:why? |o9            operation, text, options, question
/// summarize #1001:9f86d0… |o9                                    the same of a long text
/// </code>
/// The end says which form it is and how long the beginning is, which therefore needs no escaping of separators. A key
/// over the limit is cut and ends in <c>|sha256:</c> and the digest of the whole. Control characters, backslashes and
/// lone surrogates are written <c>\uXXXX</c>. All this holds among the keys made here: a string that a program uses as a key and that ends
/// like one of them, such as <c>"prompt.list |e11"</c>, is that key. Let no such string come from outside.
/// </remarks>
public sealed class CacheKeys
{
    private readonly int _maxReadableText;
    private readonly QueryOrder _queryOrder;
    private readonly int _maxLength;
    private readonly KeyTimings? _timings;

    /// <summary>For a program of its own; those that have a cache use <see cref="LarderCache.Keys"/>.</summary>
    /// <param name="options">How keys are made.</param>
    /// <param name="maxLength">Longest key, in characters; a longer one is hashed. Below 72 such keys exceed the limit all the same.</param>
    /// <param name="time">The clock that measures.</param>
    /// <param name="logger">Where slow keys are told of, never what they are.</param>
    /// <param name="cacheName">What the metrics call the cache.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option or the length is not one that a cache allows.</exception>
    public CacheKeys(KeyOptions? options = null, int maxLength = 1024, TimeProvider? time = null, ILogger? logger = null, string cacheName = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLength);
        options ??= new();
        if (options.Problems().FirstOrDefault() is { } problem) throw new ArgumentOutOfRangeException(nameof(options), problem);
        _maxReadableText = options.MaxReadableText;
        _queryOrder = options.QueryOrder;
        _maxLength = maxLength;
        if (options.Measure) _timings = new(time ?? TimeProvider.System, options.SlowAfter, logger ?? NullLogger.Instance, cacheName);
    }

    /// <summary>Figures of the keys made within the last hour, the newest 1,000 of them; null where nothing is measured.</summary>
    public KeyTimingStatistics? Timings => _timings?.Summarise();

    /// <summary>The key of an endpoint's answer: its name, its parameters in any order, and the user whom it is for.</summary>
    /// <param name="endpoint">The name, such as <c>prompt.list</c>; not empty.</param>
    /// <param name="parameters">Everything else that the answer depends on.</param>
    /// <param name="user">Whom the answer is for, 1 to 1,024 characters; null where everybody gets the same.</param>
    /// <exception cref="ArgumentException">A parameter is of a type that can't be part of a key, or the user is empty or too long.</exception>
    public CacheKey ForEndpoint(string endpoint, KeyParameters parameters = default, string? user = null)
    {
        Check(endpoint, user, nameof(endpoint));
        long began = KeyTimings.Begin(_timings);
        var key = new KeyWriter(_maxLength, stackalloc char[256]);
        key.AppendEscaped(endpoint);
        long head = key.Length;
        KeyValues.WriteParameters(ref key, parameters);
        return End(ref key, 'e', head, user, began, endpoint.Length);
    }

    /// <summary>The key of the answer to a request.</summary>
    /// <param name="method">The method, as sent; not empty.</param>
    /// <param name="path">The path, as sent; not empty.</param>
    /// <param name="query">The query, with or without its question mark; null or empty where there is none, <c>?</c> where it is there and empty.</param>
    /// <param name="headers">The chosen headers, whose names may be written in any case; null for one that is not there.</param>
    /// <param name="user">Whom the answer is for, 1 to 1,024 characters; null where everybody gets the same.</param>
    /// <exception cref="ArgumentException">A header is of a type that can't be part of a key, or the user is empty or too long.</exception>
    public CacheKey ForRequest(string method, string path, string? query = null, KeyParameters headers = default, string? user = null)
    {
        Check(path, user, nameof(path));
        ArgumentException.ThrowIfNullOrEmpty(method);
        long began = KeyTimings.Begin(_timings);
        var key = new KeyWriter(_maxLength, stackalloc char[256]);
        key.AppendEscaped(path);
        long pathLength = key.Length;
        if (!string.IsNullOrEmpty(query)) AppendQuery(ref key, query);
        long head = key.Length;
        key.Append(" m");
        key.AppendPart(method);
        KeyValues.WriteParameters(ref key, headers.WithNames(static name => name.ToLowerInvariant()), mark: " h");
        return End(ref key, 'r', head, user, began, path.Length + (query?.Length ?? 0), pathLength);
    }

    /// <summary>The key of what an operation makes of a text.</summary>
    /// <param name="operation">The name, such as <c>summarize</c>; not empty.</param>
    /// <param name="text">The text; one of more than <see cref="KeyOptions.MaxReadableText"/> characters stands in the key as its SHA-256.</param>
    /// <param name="options">Everything else that the result depends on.</param>
    /// <param name="question">What is asked about the text; null where nothing is.</param>
    /// <param name="user">Whom the result is for, 1 to 1,024 characters; null where everybody gets the same.</param>
    /// <exception cref="ArgumentException">An option is of a type that can't be part of a key, or the user is empty or too long.</exception>
    public CacheKey ForOperation(string operation, string text, KeyParameters options = default, string? question = null, string? user = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        long began = KeyTimings.Begin(_timings);
        return OperationKey(operation, KeyText.Of(text, _maxReadableText), options, question, user, began);
    }

    /// <summary>The same of a text in pieces, which is hashed where it lies.</summary>
    /// <inheritdoc cref="ForOperation(string, string, KeyParameters, string?, string?)"/>
    public CacheKey ForOperation(string operation, in ReadOnlySequence<char> text, KeyParameters options = default, string? question = null, string? user = null)
    {
        long began = KeyTimings.Begin(_timings);
        return OperationKey(operation, KeyText.Of(text, _maxReadableText), options, question, user, began);
    }

    /// <summary>The same of a text that is read to its end, in pieces, and never held whole.</summary>
    /// <inheritdoc cref="ForOperation(string, string, KeyParameters, string?, string?)"/>
    public async ValueTask<CacheKey> ForOperationAsync(
        string operation, TextReader text, KeyParameters options = default, string? question = null, string? user = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        Check(operation, user, nameof(operation));
        long began = KeyTimings.Begin(_timings);
        KeyText read = await KeyText.ReadAsync(text, _maxReadableText, cancellationToken).ConfigureAwait(false);
        return OperationKey(operation, read, options, question, user, began);
    }

    /// <summary>The same of a text in UTF-8, which is read to its end, in pieces, and never held whole; a byte order mark is not part of it, and the stream stays open.</summary>
    /// <inheritdoc cref="ForOperation(string, string, KeyParameters, string?, string?)"/>
    /// <exception cref="ArgumentException">The text is not valid UTF-8, or an option is of a type that can't be part of a key, or the user is empty or too long.</exception>
    public async ValueTask<CacheKey> ForOperationAsync(
        string operation, Stream text, KeyParameters options = default, string? question = null, string? user = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        // Replacing what is malformed would make one text of two. A byte order mark is not part of the text; the reader
        // passes over the one that its encoding would write.
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);
        using var reader = new StreamReader(text, strict, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        try
        {
            return await ForOperationAsync(operation, reader, options, question, user, cancellationToken).ConfigureAwait(false);
        }
        catch (DecoderFallbackException e)
        {
            throw new ArgumentException("The text is not valid UTF-8; decode it with the encoding it has and pass a TextReader.", nameof(text), e);
        }
    }

    private CacheKey OperationKey(string operation, in KeyText text, KeyParameters options, string? question, string? user, long began)
    {
        Check(operation, user, nameof(operation));
        var key = new KeyWriter(_maxLength, stackalloc char[256]);
        key.AppendEscaped(operation);
        long head = key.Length;
        text.WriteTo(ref key);
        KeyValues.WriteParameters(ref key, options);
        if (question is not null)
        {
            key.Append(" q");
            key.AppendPart(question);
        }
        return End(ref key, 'o', head, user, began, text.Length);
    }

    private void AppendQuery(ref KeyWriter key, string query)
    {
        ReadOnlySpan<char> pairs = query.AsSpan(query[0] == '?' ? 1 : 0);
        key.Append("?");
        if (_queryOrder == QueryOrder.AsSent)
        {
            key.AppendEscaped(pairs);
            return;
        }
        // Sorted by name alone: what comes twice keeps its order, which servers look at.
        (string Name, string Pair, int At)[] sorted = [.. pairs.ToString().Split('&').Select(static (pair, at) => (pair.Split('=', 2)[0], pair, at))];
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Name, b.Name) is not 0 and var order ? order : a.At.CompareTo(b.At));
        for (int i = 0; i < sorted.Length; i++)
        {
            if (i > 0) key.Append("&");
            key.AppendEscaped(sorted[i].Pair);
        }
    }

    /// <summary>
    /// Appends the user and the end, which makes the beginning readable without a separator of its own. A key given up
    /// before that only leaves its buffer to the garbage collector.
    /// </summary>
    private CacheKey End(ref KeyWriter key, char form, long head, string? user, long began, long textLength, long path = -1)
    {
        if (user is not null)
        {
            key.Append(" @");
            key.AppendPart(user);
        }
        key.Append(" |");
        key.Append([form]);
        key.Append(head);
        if (path >= 0)
        {
            key.Append(".");
            key.Append(path);
        }
        string text = key.Finish();
        key.Dispose();
        _timings?.End(began, textLength, form);
        return new(text, user);
    }

    private static void Check(string name, string? user, string what)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, what);
        if (user is "") throw new ArgumentException("A user must not be empty; null means that everybody gets the same.", nameof(user));
        if (user?.Length > TagRules.MaxUserLength)
            throw new ArgumentException($"The user has {user.Length} characters; at most {TagRules.MaxUserLength} are allowed. Pass the user's id, or a hash of what is longer.", nameof(user));
    }
}
