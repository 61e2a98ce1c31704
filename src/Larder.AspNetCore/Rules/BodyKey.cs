namespace Larder.AspNetCore;

/// <summary>
/// How a request's body enters the key, for reads that have one: searches by POST, QUERY. Such a request counts as a read: it invalidates nothing. The body is kept
/// in memory until the answer has come.
/// </summary>
public sealed record BodyKey
{
    /// <summary>Largest body that is keyed, in bytes; with a larger one the request is passed on. 64 KiB by default; allowed are 1 byte to 1 MiB.</summary>
    public int MaxBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// Read the body as JSON, so that neither blanks nor the order of an object's members make another key. What is no JSON, or has a member twice, is passed on.
    /// By default each byte counts.
    /// </summary>
    public bool Json { get; init; }
}
