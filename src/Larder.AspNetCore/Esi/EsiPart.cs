namespace Larder.AspNetCore;

/// <summary>What the parser found next in a page.</summary>
internal enum EsiPartKind : byte
{
    /// <summary>Bytes that pass as they are.</summary>
    Literal,
    /// <summary>A fragment is to be put here.</summary>
    Include,
    /// <summary>An <c>esi:</c> tag that means nothing here, or an include that can't be read; left out.</summary>
    Unknown,
}

/// <summary>One <c>esi:include</c>: where the fragment is, what may stand in for it, and whether it may be missing. URLs are ASCII; what was not is percent-encoded.</summary>
internal sealed record EsiInclude(string Source, string? Alternative, bool MayFail);

/// <summary>A part of a page. The bytes of a literal are the caller's own or nobody else's: they stay as they are.</summary>
internal readonly record struct EsiPart(EsiPartKind Kind, ReadOnlyMemory<byte> Text, EsiInclude? Include)
{
    public static EsiPart Literal(ReadOnlyMemory<byte> text) => new(EsiPartKind.Literal, text, null);

    public static EsiPart Of(EsiInclude include) => new(EsiPartKind.Include, default, include);

    public static readonly EsiPart Unknown = new(EsiPartKind.Unknown, default, null);
}
