using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Reads header fields that were stored outside of this process; only such as a server would send.</summary>
internal static class StoredFields
{
    public static bool TryRead(ref PartReader parts, int values, int mostBytes, out KeyValuePair<string, StringValues>[] fields)
    {
        fields = [];
        if (!parts.HasRoomFor(values * 2)) return false;
        var read = new List<KeyValuePair<string, StringValues>>(values);
        for (int i = 0; i < values; i++)
        {
            string name = parts.Text(mostBytes);
            string? value = parts.OptionalText(mostBytes);
            if (parts.Outcome != WireOutcome.Done || !FieldSyntax.IsToken(name) || !IsText(value)) return false;
            if (read.Count > 0 && read[^1].Key == name) read[^1] = new(name, StringValues.Concat(read[^1].Value, new(value)));
            else read.Add(new(name, new(value)));
        }
        fields = [.. read];
        return true;
    }

    /// <summary>A server refuses to send anything else, and it would be the answer that fails.</summary>
    public static bool IsText(string? value)
    {
        foreach (char c in value ?? "")
            if (c < ' ' && c != '\t' || c == '\u007f') return false;
        return true;
    }
}
