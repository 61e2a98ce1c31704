using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Larder.Gateway.Configuration;

/// <summary>Reads JSON (RFC 8259, nothing more) into a tree.</summary>
internal static class JsonTree
{
    private static readonly JsonReaderOptions Strict = new() { MaxDepth = ConfigLimits.Depth };

    /// <summary>Reads a document.</summary>
    /// <exception cref="ConfigSyntaxException">It is not JSON, or nested too deeply.</exception>
    public static ConfigNode Read(string text)
    {
        byte[] utf8;
        try
        {
            utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            throw new ConfigSyntaxException("the text is not valid Unicode");
        }
        var reader = new Utf8JsonReader(utf8, Strict);
        var lines = new Lines(utf8);
        try
        {
            reader.Read();
            ConfigNode root = Value(ref reader, ref lines);
            reader.Read();
            return root;
        }
        catch (JsonException e)
        {
            int end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            throw new ConfigSyntaxException("not JSON: " + Shown.Sentence(end < 0 ? e.Message : e.Message[..end]), (int?)e.LineNumber + 1);
        }
        catch (InvalidOperationException)
        {
            throw new ConfigSyntaxException("not JSON: a text contains half a surrogate pair", lines.Current);
        }
    }

    private static ConfigNode Value(ref Utf8JsonReader reader, ref Lines lines)
    {
        int line = lines.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new List<ConfigMember>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    int nameLine = lines.At(reader.TokenStartIndex);
                    string name = reader.GetString()!;
                    reader.Read();
                    members.Add(new(name, Value(ref reader, ref lines), nameLine));
                }
                return new ConfigMap(members, line);
            case JsonTokenType.StartArray:
                var items = new List<ConfigNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Value(ref reader, ref lines));
                return new ConfigList(items, line);
            case JsonTokenType.String:
                return new ConfigText(reader.GetString()!, line);
            case JsonTokenType.Number:
                string written = Encoding.UTF8.GetString(reader.ValueSpan);
                return new ConfigNumber(double.Parse(written, NumberStyles.Float, CultureInfo.InvariantCulture), written, line);
            case JsonTokenType.True or JsonTokenType.False:
                return new ConfigBoolean(reader.TokenType == JsonTokenType.True, line);
            default:
                return new ConfigNull(line);
        }
    }

    /// <summary>Counts lines while positions only grow.</summary>
    private ref struct Lines(ReadOnlySpan<byte> utf8)
    {
        private readonly ReadOnlySpan<byte> _utf8 = utf8;
        private int _position;

        public int Current { get; private set; } = 1;

        public int At(long position)
        {
            Current += _utf8[_position..(int)position].Count((byte)'\n');
            _position = (int)position;
            return Current;
        }
    }
}
