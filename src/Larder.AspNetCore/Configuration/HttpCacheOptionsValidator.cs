using Microsoft.Extensions.Options;

namespace Larder.AspNetCore;

/// <summary>Refuses options that can't work, naming every field, its value and its range at once.</summary>
internal sealed class HttpCacheOptionsValidator : IValidateOptions<HttpCacheOptions>
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    public ValidateOptionsResult Validate(string? name, HttpCacheOptions options)
    {
        var problems = new List<string>();
        if (options.MaxBodyBytes is < 1 or > 2_000_000_000)
            problems.Add(FormattableString.Invariant($"MaxBodyBytes is {options.MaxBodyBytes}; allowed is 1 to 2,000,000,000."));
        if (options.KeepStale < TimeSpan.Zero || options.KeepStale > Year)
            problems.Add(FormattableString.Invariant($"KeepStale is {options.KeepStale}; allowed is 0 to 365 days."));
        if (options.PositionHeader is { } header && !PositionHeader.IsAllowed(header))
            problems.Add($"PositionHeader is '{header}'; allowed is the name of a header that means nothing else.");
        if (options.PositionPatience < TimeSpan.Zero || options.PositionPatience > PositionHeader.LongestPatience)
            problems.Add(FormattableString.Invariant($"PositionPatience is {options.PositionPatience}; allowed is 0 to 10 seconds."));
        if (options.CacheControlTargets.Count > 10 || options.CacheControlTargets.Any(static name => !Rfc9111.FieldSyntax.IsToken(name)))
            problems.Add("CacheControlTargets: allowed are up to 10 names of response headers.");
        if (options.TagHeaders.Count > 10 || options.TagHeaders.Any(static name => !Rfc9111.FieldSyntax.IsToken(name)))
            problems.Add("TagHeaders: allowed are up to 10 names of response headers.");
        problems.AddRange(options.Esi.Problems());
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
