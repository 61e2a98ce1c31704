using System.Buffers;
using System.Text.Json;

namespace Larder.AspNetCore;

/// <summary>One form for all ways to write a JSON document: no blanks, the members of objects in the order of their names, strings with the same escapes. Numbers stay as written.</summary>
internal static class CanonicalJson
{
    private const int MaxDepth = 64;

    /// <summary>The form; null for what is no JSON, is nested deeper than 64 levels, or has a member twice, of which servers take one or the other.</summary>
    public static byte[]? Of(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new() { MaxDepth = MaxDepth });
            var written = new ArrayBufferWriter<byte>(json.Length + 16);
            using (var writer = new Utf8JsonWriter(written, new() { MaxDepth = MaxDepth + 1 }))
                if (!TryWrite(document.RootElement, writer)) return null;
            return written.WrittenSpan.ToArray();
        }
        // Half of a surrogate pair is no text, though it passes as JSON.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static bool TryWrite(JsonElement element, Utf8JsonWriter writer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return TryWriteObject(element, writer);
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in element.EnumerateArray())
                    if (!TryWrite(item, writer)) return false;
                writer.WriteEndArray();
                return true;
            case JsonValueKind.String:
                writer.WriteStringValue(element.GetString());
                return true;
            case JsonValueKind.Number:
                writer.WriteRawValue(element.GetRawText());
                return true;
            default:
                element.WriteTo(writer);
                return true;
        }
    }

    private static bool TryWriteObject(JsonElement element, Utf8JsonWriter writer)
    {
        JsonProperty[] members = [.. element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal)];
        writer.WriteStartObject();
        for (int i = 0; i < members.Length; i++)
        {
            if (i > 0 && members[i].NameEquals(members[i - 1].Name)) return false;
            writer.WritePropertyName(members[i].Name);
            if (!TryWrite(members[i].Value, writer)) return false;
        }
        writer.WriteEndObject();
        return true;
    }
}
