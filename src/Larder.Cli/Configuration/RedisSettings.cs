using Larder.Gateway.Configuration;
using Larder.Redis;
using Microsoft.Extensions.Configuration;

namespace Larder.Cli.Configuration;

/// <summary>Where Redis is, for commands that read it without a host: what was said, else <c>REDIS_URL</c>; and what the other variables add.</summary>
internal static class RedisSettings
{
    /// <param name="given">A connection string; the variable's, where null.</param>
    /// <param name="place">How messages call what was given.</param>
    /// <returns>The options; null where nobody says where Redis is, or something is wrong.</returns>
    public static (RedisOptions? Options, IReadOnlyList<ConfigProblem> Problems) Read(string? given, string place)
    {
        if (given is null && Environment.GetEnvironmentVariable(RedisConfiguration.Url) is not { Length: > 0 }) return (null, []);
        var options = new RedisOptions();
        try
        {
            if (given is not null) options = RedisOptions.Parse(given);
        }
        catch (FormatException e)
        {
            return (null, [new("", null, place, e.Message)]);
        }
        RedisConfiguration.Read(options, "", new ConfigurationBuilder().AddInMemoryCollection(RedisConfiguration.OfEnvironment(withUrl: given is null)).Build());
        ConfigProblem[] problems = [.. (new RedisOptionsValidator().Validate(null, options).Failures ?? []).Select(failure => new ConfigProblem("", null, PlaceOf(failure), failure))];
        return (problems.Length > 0 ? null : options, problems);

        // What comes from a variable begins with its name.
        string PlaceOf(string failure) => options.Unreadable.Contains(failure) ? "" : given is null ? RedisConfiguration.Url : place;
    }
}
