using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Larder.Redis;

/// <summary>What <c>XREAD</c> answers: for each stream its entries, each an id and the names and values of its fields in turns.</summary>
internal static class StreamReply
{
    /// <summary>Reads it; RESP3 has a map where RESP2 has an array of pairs.</summary>
    /// <returns>False where it is nothing of the kind.</returns>
    public static bool TryRead(RespValue reply, RedisNames names, [NotNullWhen(true)] out List<(RemoteStream Stream, List<RemoteEvent> Events)>? read)
    {
        read = [];
        if (reply.IsNull) return true;
        if (reply.Kind is not (RespKind.Map or RespKind.Array)) return false;
        ReadOnlySpan<RespValue> items = reply.Items.Span;
        bool isMap = reply.Kind == RespKind.Map;
        if (isMap && items.Length % 2 != 0) return false;
        for (int i = 0; i < items.Length; i += isMap ? 2 : 1)
        {
            ReadOnlySpan<RespValue> pair = isMap ? items.Slice(i, 2) : items[i].Items.Span;
            if (pair.Length != 2 || StreamOf(pair[0].Text, names) is not { } stream || !TryReadEntries(stream, pair[1], out List<RemoteEvent>? events)) return false;
            read.Add((stream, events));
        }
        return true;
    }

    private static RemoteStream? StreamOf(string? name, RedisNames names) => name == names.Groups ? RemoteStream.Groups : name == names.Keys ? RemoteStream.Keys : null;

    private static bool TryReadEntries(RemoteStream stream, RespValue entries, [NotNullWhen(true)] out List<RemoteEvent>? events)
    {
        events = null;
        if (entries.Kind != RespKind.Array) return false;
        var read = new List<RemoteEvent>(entries.Items.Length);
        foreach (RespValue entry in entries.Items.Span)
        {
            ReadOnlySpan<RespValue> parts = entry.Items.Span;
            if (parts.Length != 2 || parts[0].Text is not { } id) return false;
            ReadOnlySpan<RespValue> words = parts[1].Items.Span;
            if (words.Length % 2 != 0) return false;
            var fields = new EventField[words.Length / 2];
            for (int i = 0; i < fields.Length; i++)
            {
                if (words[2 * i].Text is not { } name) return false;
                fields[i] = new(name, words[2 * i + 1].Bytes);
            }
            read.Add(RemoteEventCodec.Decode(stream, OrdinalOf(id), fields));
        }
        events = read;
        return true;
    }

    /// <summary>The part in front of the dash; 0, which is no event's, where there is none: such an entry belongs to no epoch.</summary>
    private static long OrdinalOf(string id) =>
        id.EndsWith("-0", StringComparison.Ordinal) && long.TryParse(id.AsSpan(0, id.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out long ordinal) ? ordinal : 0;
}
