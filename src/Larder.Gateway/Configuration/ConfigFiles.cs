using System.Security.Cryptography.X509Certificates;
using Larder.Gateway.Hosting;

namespace Larder.Gateway.Configuration;

/// <summary>The files that a document names: their paths begin in its folder.</summary>
/// <param name="source">The document's own name.</param>
internal sealed class ConfigFiles(string source, ConfigReport report)
{
    private readonly string _folder = Path.GetDirectoryName(source) ?? "";

    /// <summary>Where a file is.</summary>
    public string PathOf(PlacedText file) => Path.Combine(_folder, file.Value);

    /// <summary>The authorities in a file.</summary>
    public IReadOnlyList<X509Certificate2> Authorities(PlacedText file)
    {
        IReadOnlyList<X509Certificate2> roots = CertificateFiles.ReadAuthorities(PathOf(file), out string? problem);
        if (problem is not null) report.Add(file.Line, file.Place, Shown.Sentence(problem));
        return roots;
    }
}
