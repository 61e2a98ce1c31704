using System.CommandLine;
using Larder.AspNetCore;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Commands;

/// <summary>The flags that say what is to be ended.</summary>
internal sealed class PurgeSelection
{
    private readonly Option<string[]> _tags = Many("--tag", "Everything with the tag, or with one below it", "TAG");
    private readonly Option<string[]> _keys = Many("--key", "One key", "KEY");
    private readonly Option<string[]> _urls = Many("--url", "The HTTP responses of one URL, as clients ask for it: all variants and users; what rules make of its query is not known here", "URL");
    private readonly Option<string[]> _patterns = Many("--pattern", "Every key that the glob matches whole; of HTTP responses path and query", "GLOB");
    private readonly Option<string[]> _users = Many("--user", "Everything kept for a user", "USER");
    private readonly Option<bool> _all = new("--all") { Description = "Everything; needs --yes" };
    private readonly Option<bool> _yes = new("--yes") { Description = "Really everything" };
    private readonly Option<bool> _soft = new("--soft") { Description = "Make it stale instead of removing it" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_tags, _keys, _urls, _patterns, _users, _all, _yes, _soft]) command.Add(option);
    }

    /// <summary>The events, in the order of the flags' kinds, and every mistake.</summary>
    public (IReadOnlyList<Invalidation> Events, IReadOnlyList<ConfigProblem> Problems) Read(ParseResult call)
    {
        var events = new List<Invalidation>();
        var problems = new List<ConfigProblem>();
        Each(_tags, tag => [Invalidation.Tag(tag)]);
        Each(_keys, key => [Invalidation.Key(key)]);
        Each(_urls, url => WriteInvalidation.OfUrl(UrlOrigin.Spelt(url) ?? throw new ArgumentException("needed is an absolute http or https URL, without user and fragment")));
        Each(_patterns, glob => [Invalidation.Glob(glob)]);
        Each(_users, user => [Invalidation.User(user)]);
        if (call.GetValue(_all) && !call.GetValue(_yes)) problems.Add(new("", null, "--all", "it ends everything that is cached; add --yes"));
        else if (call.GetValue(_all)) events.Add(Invalidation.All);
        if (events.Count + problems.Count == 0) problems.Add(new("", null, "", "larder: nothing is said that should be ended; see 'larder purge --help'"));
        return (call.GetValue(_soft) ? [.. events.Select(what => what.Soft())] : events, problems);

        void Each(Option<string[]> option, Func<string, IEnumerable<Invalidation>> read)
        {
            foreach (string value in call.GetValue(option) ?? [])
            {
                try
                {
                    events.AddRange(read(value));
                }
                catch (ArgumentException e)
                {
                    // Without the name that the parameter has in the code.
                    problems.Add(new("", null, option.Name, e.Message.Split(" (Parameter", 2)[0]));
                }
            }
        }
    }

    /// <summary>Whether a rule may keep the responses under another query than the one that is given.</summary>
    public bool HasQuery(ParseResult call) => (call.GetValue(_urls) ?? []).Any(static url => url.Contains('?', StringComparison.Ordinal));

    private static Option<string[]> Many(string name, string description, string value) => new(name) { Description = description + "; may be repeated", HelpName = value };
}
