using Larder.AspNetCore;

namespace Larder.Gateway.Configuration;

/// <summary>Reads the members of a rule that few rules have: what belongs to the key, who the user is, what is stored.</summary>
internal sealed class RuleDetailReader(ConfigReport report)
{
    private const string HeaderAllowed = "the name of a request header";
    private const string QueryAllowed = "\"as-sent\", \"sorted\", \"none\", or an object with only or except";

    public CacheRule Read(ConfigMembers members, CacheRule rule) => rule with
    {
        Hosts = Texts(members, "hosts", "a host such as \"api.example.com\" or \"*.example.com\""),
        ErrorTtl = members.Seconds("errorTtl", 1, ConfigLimits.YearSeconds),
        OverridesOrigin = members.Flag("overridesOrigin") ?? false,
        Heuristics = members.Flag("heuristics") ?? true,
        User = User(members),
        Query = Query(members),
        VaryByHeaders = [.. (members.Texts("varyByHeaders", HeaderAllowed) ?? []).Where(name => RequestFieldName.Check(name, HeaderAllowed, report)).Select(static name => name.Value)],
        VaryByCookies = Texts(members, "varyByCookies", "the name of a cookie"),
        Body = Body(members),
        CacheControl = members.Text("cacheControl", "a value of Cache-Control such as \"public, max-age=60\"")?.Value,
        Statuses = [.. (members.Numbers("statuses", 200, 599, "status code") ?? []).Select(static status => (int)status)],
        ContentTypes = Texts(members, "contentTypes", "a media type such as \"application/json\" or \"text/*\""),
        MaxBodyBytes = members.Whole("maxBodyMegabytes", 1, ConfigLimits.BodyMegabytes, "whole number of megabytes") << 20,
        Compress = members.Flag("compress"),
    };

    private static string[] Texts(ConfigMembers members, string name, string allowed) => [.. (members.Texts(name, allowed) ?? []).Select(static text => text.Value)];

    private UserSource? User(ConfigMembers members)
    {
        ConfigMembers? user = members.Object("user", "header", "cookie");
        if (user is null) return null;
        if (user.Has("header") == user.Has("cookie"))
        {
            report.Add(user.Line, user.Place, "one of header and cookie is needed");
            return null;
        }
        if (user.Text("cookie", "the name of a cookie") is { } cookie) return UserSource.Cookie(cookie.Value);
        return user.Text("header", HeaderAllowed) is { } header && RequestFieldName.Check(header, HeaderAllowed, report) ? UserSource.Header(header.Value) : null;
    }

    private QueryPolicy Query(ConfigMembers members)
    {
        if (members.IsObject("query"))
        {
            ConfigMembers query = members.Object("query", "only", "except")!;
            const string Allowed = "the name of a parameter, or a beginning of names such as \"utm_*\"";
            string[] only = Texts(query, "only", Allowed), except = Texts(query, "except", Allowed);
            if (only.Length > 0 == except.Length > 0) report.Add(query.Line, query.Place, "one of only and except is needed");
            try
            {
                return only.Length > 0 ? QueryPolicy.Only(only) : except.Length > 0 ? QueryPolicy.Except(except) : QueryPolicy.AsSent;
            }
            catch (ArgumentException e)
            {
                report.Add(query.Line, query.Place, Shown.Sentence(e.Message));
                return QueryPolicy.AsSent;
            }
        }
        switch (members.Text("query", QueryAllowed))
        {
            case null or { Value: "as-sent" }: return QueryPolicy.AsSent;
            case { Value: "sorted" }: return QueryPolicy.Sorted;
            case { Value: "none" }: return QueryPolicy.None;
            case { } other:
                report.Refuse(other, QueryAllowed);
                return QueryPolicy.AsSent;
        }
    }

    private static BodyKey? Body(ConfigMembers members)
    {
        ConfigMembers? body = members.Object("body", "json", "kilobytes");
        return body is null ? null : new() { Json = body.Flag("json") ?? false, MaxBytes = (int)((body.Whole("kilobytes", 1, 1024, "whole number of kilobytes") ?? 64) << 10) };
    }
}
