using System.Text;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Configuration;

/// <summary>A configuration file: its name's ending says which language it is written in.</summary>
internal static class ConfigFile
{
    /// <summary>Reads a file. Whatever is wrong with it or in it becomes a problem.</summary>
    public static ConfigurationResult Read(string path, ConfigurationFlags? flags = null)
    {
        try
        {
            return Parse(ReadText(path), path, flags);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return Unreadable(path, null, "it can't be read: " + Reason(e), flags);
        }
    }

    /// <summary>Reads the text of a file with this name.</summary>
    public static ConfigurationResult Parse(string text, string path, ConfigurationFlags? flags = null)
    {
        try
        {
            return GatewayConfiguration.Read(Tree(text, path), path, flags);
        }
        catch (ConfigSyntaxException e)
        {
            return Unreadable(path, e.Line, e.Message, flags);
        }
    }

    private static ConfigNode Tree(string text, string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".json" => JsonTree.Read(text),
        ".yaml" or ".yml" => YamlTree.Read(text),
        _ => throw new ConfigSyntaxException("its name must end with .json, .yaml or .yml, to tell how it is written"),
    };

    private static string ReadText(string path)
    {
        using FileStream file = File.OpenRead(path);
        // One byte more than is allowed: devices and pipes have no length to ask for.
        var bytes = new byte[ConfigLimits.DocumentBytes + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > ConfigLimits.DocumentBytes) throw new IOException("it is larger than 1 MB");
        ReadOnlySpan<byte> content = bytes.AsSpan(0, length);
        if (content.StartsWith(Encoding.UTF8.Preamble)) content = content[Encoding.UTF8.Preamble.Length..];
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
    }

    private static ConfigurationResult Unreadable(string source, int? line, string text, ConfigurationFlags? flags)
    {
        ConfigurationResult ofFlags = GatewayConfiguration.Read(null, source, flags);
        return new(null, 0, [.. ofFlags.Problems, new(source, line, "", text)]);
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException => "access is denied, or it is a directory",
        DecoderFallbackException => "it is not UTF-8",
        _ => Shown.Sentence(e.Message),
    };
}
