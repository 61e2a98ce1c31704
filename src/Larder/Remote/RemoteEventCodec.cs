using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Larder;

/// <summary>
/// Between events and the fields of a stream's entry.
/// <code>
///   written by the node                            added by the script that appends
///   kind  key, tag, any, every, prefix, glob,      epoch   16 hex digits
///         regex, user, all                         groups  the newest ordinal in groups before it
///   soft  1; left out where it is hard             keys    the newest ordinal in keys before it
///   text  the subject in UTF-8, once for each tag  at      Unix time in milliseconds
///   wide  the same in UTF-16, where it has no UTF-8
///   node  16 hex digits     number  decimal
///   wait  1 where strict nodes are to confirm it at once
/// </code>
/// The ordinal is the entry's id. Decoding never throws: what an event covers and nobody can read is everything, and hard.
/// </summary>
internal static class RemoteEventCodec
{
    /// <summary>Most bytes of an event, names of fields included.</summary>
    public const int MaxBytes = 8 << 10;
    /// <summary>For all fields but the subject.</summary>
    private const int Envelope = 256;

    private const string Kind = "kind", Soft = "soft", Text = "text", Wide = "wide", Node = "node", Number = "number", Wait = "wait";
    private const string Epoch = "epoch", Groups = "groups", Keys = "keys", At = "at";

    private static readonly string[] Kinds = ["key", "tag", "any", "every", "prefix", "glob", "regex", "user", "all"];

    /// <summary>
    /// The events that together cover what this one does, or more where that is too large: of all tags the first one is
    /// left, of a key everything.
    /// </summary>
    public static IReadOnlyList<Invalidation> Split(Invalidation invalidation)
    {
        if (SizeOf(invalidation) <= MaxBytes - Envelope) return [invalidation];
        return invalidation.Kind switch
        {
            InvalidationKind.AnyTag => [.. Chunks(invalidation.Tags).Select(tags => Alike(Invalidation.AnyTag(tags), invalidation))],
            InvalidationKind.AllTags => [Alike(Invalidation.Tag(invalidation.Tags[0]), invalidation)],
            // A prefix would look at the logical key, which may begin elsewhere.
            _ => [Alike(Invalidation.All, invalidation)],
        };
    }

    /// <summary>The fields that the node writes, of an event that <see cref="Split"/> has left whole.</summary>
    public static IReadOnlyList<EventField> Encode(Invalidation invalidation, RemoteSource source, bool isAwaited = false)
    {
        var fields = new List<EventField>(4 + Math.Max(1, invalidation.Tags.Count)) { Field(Kind, Kinds[(int)invalidation.Kind]) };
        if (invalidation.IsSoft) fields.Add(Field(Soft, "1"));
        if (invalidation.Tags.Count > 0) fields.AddRange(invalidation.Tags.Select(Subject));
        else if (invalidation.Kind != InvalidationKind.All) fields.Add(Subject(invalidation.Subject));
        fields.Add(Field(Node, source.Node.ToString("x16", CultureInfo.InvariantCulture)));
        fields.Add(Field(Number, source.Number.ToString(CultureInfo.InvariantCulture)));
        if (isAwaited) fields.Add(Field(Wait, "1"));
        return fields;
    }

    /// <summary>The fields that the script adds.</summary>
    public static IReadOnlyList<EventField> EncodePlace(ulong epoch, long groupsBefore, long keysBefore, long at) =>
    [
        Field(Epoch, epoch.ToString("x16", CultureInfo.InvariantCulture)),
        Field(Groups, groupsBefore.ToString(CultureInfo.InvariantCulture)),
        Field(Keys, keysBefore.ToString(CultureInfo.InvariantCulture)),
        Field(At, at.ToString(CultureInfo.InvariantCulture)),
    ];

    public static RemoteEvent Decode(RemoteStream stream, long ordinal, IReadOnlyList<EventField> fields)
    {
        bool isPlaced = TryHex(fields, Epoch, out ulong epoch) & TryDecimal(fields, Groups, out long groups) & TryDecimal(fields, Keys, out long keys) & ordinal > 0;
        bool isKnown = TryHex(fields, Node, out ulong node) & TryDecimal(fields, Number, out long number);
        // A soft event with no instant is as old as can be.
        if (!TryDecimal(fields, At, out long at)) at = 0;
        return new(stream, isPlaced ? new(epoch, ordinal) : default, groups, keys, isKnown ? new(node, number) : default, at, Read(fields)) { IsAwaited = TextOf(fields, Wait) == "1" };
    }

    private static Invalidation Read(IReadOnlyList<EventField> fields)
    {
        try
        {
            if (TextOf(fields, Kind) is not { } name || Array.IndexOf(Kinds, name) is not (>= 0 and var kind) || Subjects(fields) is not { } subjects) return Invalidation.All;
            Invalidation? read = Make((InvalidationKind)kind, subjects);
            return read is null ? Invalidation.All : TextOf(fields, Soft) == "1" ? read.Soft() : read;
        }
        catch (ArgumentException)
        {
            // Over a limit, or no pattern: an event that this program would not have made.
            return Invalidation.All;
        }
    }

    private static Invalidation? Make(InvalidationKind kind, List<string> subjects) => (kind, subjects) switch
    {
        (InvalidationKind.All, []) => Invalidation.All,
        (InvalidationKind.AnyTag, _) => Invalidation.AnyTag(subjects),
        (InvalidationKind.AllTags, _) => Invalidation.AllTags(subjects),
        (InvalidationKind.Key, [var key]) => Invalidation.Key(key),
        (InvalidationKind.Tag, [var tag]) => tag.StartsWith(TagRules.ExactPrefix) ? Invalidation.OfExactTag(tag) : Invalidation.Tag(tag),
        (InvalidationKind.Prefix, [var prefix]) => Invalidation.Prefix(prefix),
        (InvalidationKind.Glob, [var glob]) => Invalidation.Glob(glob),
        (InvalidationKind.Regex, [var regex]) => Invalidation.Regex(regex),
        (InvalidationKind.User, [var user]) => Invalidation.User(user),
        _ => null,
    };

    /// <summary>The subjects; null where one can't be read.</summary>
    private static List<string>? Subjects(IReadOnlyList<EventField> fields)
    {
        var subjects = new List<string>();
        foreach (EventField field in fields)
        {
            if (field.Name is not (Text or Wide)) continue;
            ReadOnlySpan<byte> value = field.Value.Span;
            if (field.Name == Text ? !Utf8.IsValid(value) : value.Length % sizeof(char) != 0) return null;
            subjects.Add(field.Name == Text ? Encoding.UTF8.GetString(value) : new(MemoryMarshal.Cast<byte, char>(value)));
        }
        return subjects;
    }

    private static EventField Subject(string text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return Utf8.FromUtf16(text, bytes, out _, out int written, replaceInvalidSequences: false) == OperationStatus.Done
            ? new(Text, bytes.AsMemory(0, written))
            : new(Wide, MemoryMarshal.AsBytes(text.AsSpan()).ToArray());
    }

    private static IEnumerable<List<string>> Chunks(IReadOnlyList<string> tags)
    {
        var chunk = new List<string>();
        int size = 0;
        foreach (string tag in tags)
        {
            int next = SizeOf(tag);
            if (chunk.Count > 0 && size + next > MaxBytes - Envelope)
            {
                yield return chunk;
                (chunk, size) = ([], 0);
            }
            chunk.Add(tag);
            size += next;
        }
        yield return chunk;
    }

    private static Invalidation Alike(Invalidation made, Invalidation original) => original.IsSoft ? made.Soft() : made;

    private static int SizeOf(Invalidation invalidation) => invalidation.Tags.Count > 0 ? invalidation.Tags.Sum(SizeOf) : SizeOf(invalidation.Subject);

    /// <summary>At most: in UTF-8 half a pair is counted as three bytes, and as UTF-16 it takes two.</summary>
    private static int SizeOf(string text) => Text.Length + Math.Max(Encoding.UTF8.GetByteCount(text), text.Length * sizeof(char));

    private static EventField Field(string name, string ascii) => new(name, Encoding.ASCII.GetBytes(ascii));

    private static ReadOnlySpan<byte> Bytes(IReadOnlyList<EventField> fields, string name)
    {
        foreach (EventField field in fields)
            if (field.Name == name) return field.Value.Span;
        return default;
    }

    private static string? TextOf(IReadOnlyList<EventField> fields, string name) => Bytes(fields, name) is { Length: > 0 and <= 16 } bytes ? Encoding.Latin1.GetString(bytes) : null;

    private static bool TryHex(IReadOnlyList<EventField> fields, string name, out ulong value)
    {
        value = 0;
        ReadOnlySpan<byte> bytes = Bytes(fields, name);
        return bytes.Length == 16 && Utf8Parser.TryParse(bytes, out value, out int read, 'x') && read == bytes.Length;
    }

    private static bool TryDecimal(IReadOnlyList<EventField> fields, string name, out long value)
    {
        ReadOnlySpan<byte> bytes = Bytes(fields, name);
        if (Utf8Parser.TryParse(bytes, out value, out int read) && read == bytes.Length && value >= 0) return true;
        value = 0;
        return false;
    }
}
