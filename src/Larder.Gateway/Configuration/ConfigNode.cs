namespace Larder.Gateway.Configuration;

/// <summary>
/// A value of a configuration document, whichever language it was written in. Unlike the framework's tree it knows its
/// line, keeps members that are given twice, and shows numbers as they were written.
/// </summary>
/// <param name="Line">The line where it begins, from 1.</param>
internal abstract record ConfigNode(int Line)
{
    /// <summary>How many values it consists of, itself included.</summary>
    public virtual long Size => 1;

    /// <summary>How deeply it is nested; 0 for a single value.</summary>
    public virtual int Height => 0;
}

/// <summary>Nothing: <c>null</c>.</summary>
internal sealed record ConfigNull(int Line) : ConfigNode(Line);

/// <summary>True or false.</summary>
internal sealed record ConfigBoolean(bool Value, int Line) : ConfigNode(Line);

/// <summary>A number, and how it was written.</summary>
internal sealed record ConfigNumber(double Value, string Written, int Line) : ConfigNode(Line);

/// <summary>A text.</summary>
internal sealed record ConfigText(string Value, int Line) : ConfigNode(Line);

/// <summary>A list.</summary>
internal sealed record ConfigList(IReadOnlyList<ConfigNode> Items, int Line) : ConfigNode(Line)
{
    /// <inheritdoc/>
    public override long Size { get; } = 1 + Items.Sum(item => item.Size);

    /// <inheritdoc/>
    public override int Height { get; } = 1 + Items.Select(item => item.Height).DefaultIfEmpty(-1).Max();
}

/// <summary>Named values in the order they were written; a name may occur twice, which is a mistake to report.</summary>
internal sealed record ConfigMap(IReadOnlyList<ConfigMember> Members, int Line) : ConfigNode(Line)
{
    /// <inheritdoc/>
    public override long Size { get; } = 1 + Members.Sum(member => member.Value.Size);

    /// <inheritdoc/>
    public override int Height { get; } = 1 + Members.Select(member => member.Value.Height).DefaultIfEmpty(-1).Max();
}

/// <summary>A named value.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">The value.</param>
/// <param name="Line">The line of the name, from 1.</param>
internal sealed record ConfigMember(string Name, ConfigNode Value, int Line);
