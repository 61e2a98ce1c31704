using System.Buffers;
using System.Runtime.CompilerServices;

namespace Larder.AspNetCore;

/// <summary>Writes what the HTTP cache keeps in an engine for whatever keeps entries outside of the process. There is one for an engine.</summary>
/// <remarks>Sets of rules that are alike are one here, for what was stored under one of them may be used under the other.</remarks>
internal sealed class HttpEntrySerializer : IEntrySerializer<HttpEntry>
{
    private static readonly ConditionalWeakTable<LarderCache, HttpEntrySerializer> All = [];

    private const int MostRules = 64;

    private readonly CacheClock _clock;
    private readonly Lock _gate = new();
    private readonly Func<ReadOnlyMemory<byte>, RuleSet?> _find;
    private volatile RuleSet[] _rules = [];

    private HttpEntrySerializer(CacheClock clock)
    {
        _clock = clock;
        _find = Find;
    }

    public static HttpEntrySerializer Of(LarderCache engine) => All.GetValue(engine, static engine =>
    {
        var serializer = new HttpEntrySerializer(engine.Clock);
        engine.Serializers.Use(serializer, typeof(StoredResponse), typeof(VariantIndex));
        return serializer;
    });

    /// <summary>The rules that stand for these and all that are alike.</summary>
    public RuleSet Share(RuleSet rules)
    {
        lock (_gate)
        {
            if (Find(rules.Fingerprint) is { } known) return known;
            // A program whose rules change often: what was stored under the oldest ones is not used any more.
            _rules = [.. _rules.TakeLast(MostRules - 1), rules];
            return rules;
        }
    }

    public void Serialize(HttpEntry value, long createdAt, IBufferWriter<byte> target) => HttpEntryCodec.Write(value, createdAt, target);

    public HttpEntry? Deserialize(ReadOnlyMemory<byte> source, long createdAt) => HttpEntryCodec.Read(source, _find, createdAt, (_clock.Now, _clock.UtcNow));

    /// <exception cref="NotSupportedException">Always: the age of a response is told by when its entry was created.</exception>
    public void Serialize(HttpEntry value, IBufferWriter<byte> target) => throw new NotSupportedException();

    /// <exception cref="NotSupportedException">Always.</exception>
    public HttpEntry Deserialize(ReadOnlySequence<byte> source) => throw new NotSupportedException();

    private RuleSet? Find(ReadOnlyMemory<byte> fingerprint)
    {
        foreach (RuleSet rules in _rules)
            if (rules.Fingerprint.Span.SequenceEqual(fingerprint.Span)) return rules;
        return null;
    }
}
