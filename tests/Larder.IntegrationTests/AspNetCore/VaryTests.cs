using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

public sealed class VaryTests
{
    [Fact]
    public async Task Each_value_of_a_nominated_header_has_its_own_entry_and_absent_is_not_empty()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60"), ("Vary", "X-A")));
        (await site.GetAsync("/")).Is("MISS", "v1");
        (await site.GetAsync("/", ("X-A", ""))).Is("MISS", "v2");
        Assert.Contains("vary-miss", (await site.GetAsync("/", ("X-A", "1"))).Is("MISS", "v3").CacheStatus, StringComparison.Ordinal);
        (await site.GetAsync("/", ("X-A", "1,2"))).Is("MISS", "v4");
        (await site.GetAsync("/")).Is("HIT", "v1");
        (await site.GetAsync("/", ("X-A", ""))).Is("HIT", "v2");
        (await site.GetAsync("/", ("X-A", " 1 "))).Is("HIT", "v3");
        (await site.GetAsync("/", ("X-A", "1,  2"))).Is("HIT", "v4");
        (await site.GetAsync("/", ("X-A", "1"), ("X-A", "2"))).Is("HIT", "v4");
    }

    [Fact]
    public async Task Answers_that_nominate_different_headers_live_together()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.Append("Vary", "X-A");
            if (context.Request.Headers["X-A"] == "b") context.Response.Headers.Append("Vary", "x-B");
            return context.Response.WriteAsync(counter.Next());
        });
        (await site.GetAsync("/", ("X-A", "a"))).Is("MISS", "v1");
        (await site.GetAsync("/", ("X-A", "b"), ("X-B", "1"))).Is("MISS", "v2");
        (await site.GetAsync("/", ("X-A", "b"), ("X-B", "2"))).Is("MISS", "v3");
        (await site.GetAsync("/", ("X-A", "a"), ("X-B", "9"))).Is("HIT", "v1");
        (await site.GetAsync("/", ("X-A", "b"), ("X-B", "1"))).Is("HIT", "v2");
        (await site.GetAsync("/", ("X-A", "b"), ("X-B", "2"))).Is("HIT", "v3");
    }

    [Fact]
    public async Task A_write_a_purge_and_groups_reach_all_variants_and_private_copies()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Vary", "X-A")), rules =>
        {
            rules.Cache("/mine/{id}", TimeSpan.FromMinutes(1), RuleScope.Private, "all", "mine:{id}");
            rules.Cache("/{**rest}", TimeSpan.FromMinutes(1), RuleScope.Shared, "all", "{rest}");
            rules.User = context => context.Request.Headers["X-User"];
        });
        string host = site.Address.GetLeftPart(UriPartial.Authority);
        Func<string, Task>[] ways =
        [
            path => site.SendAsync("POST", path),
            path => site.Cache.InvalidateAsync(Invalidation.Tag("all")).AsTask(),
            path => site.Cache.InvalidateAsync(Invalidation.Glob(path[..^2] + "*")).AsTask(),
            path => site.Cache.InvalidateAsync(Invalidation.Regex("^" + path + "$")).AsTask(),
            path => site.Cache.InvalidateAsync(Invalidation.Tag(path.StartsWith("/mine", StringComparison.Ordinal) ? "mine" : path[1..])).AsTask(),
            _ => site.Cache.InvalidateAsync(Invalidation.All).AsTask(),
        ];
        foreach (Func<string, Task> invalidate in ways)
        {
            foreach (string path in new[] { "/some/12", "/mine/12" })
            {
                (string, string)[][] readers = [[("X-User", "a")], [("X-User", "a"), ("X-A", "1")], [("X-User", "b"), ("X-A", "1")]];
                foreach (var reader in readers) await site.GetAsync(path, reader);
                foreach (var reader in readers) (await site.GetAsync(path, reader)).Is("HIT");
                await invalidate(path);
                Assert.Equal("MISS", (await site.GetAsync(path, readers[0])).XCache);
                Assert.Equal("MISS", (await site.GetAsync(path, readers[1])).XCache);
                await invalidate(path);
            }
        }
        (await site.GetAsync("/some/12")).Is("MISS");
        await site.Cache.InvalidateAsync(Invalidation.Key(host + "/other"));
        (await site.GetAsync("/some/12")).Is("HIT");
    }

    [Fact]
    public async Task A_glob_of_a_path_covers_its_queries()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        string[] covered = ["/api/analytics/sales?from=1", "/api/analytics/x/y"];
        foreach (string path in covered.Append("/api/other")) await site.GetAsync(path);
        Assert.Equal(2, (await site.Cache.InvalidateAsync(Invalidation.Glob("/api/analytics/*"), count: true)).Removed);
        foreach (string path in covered) (await site.GetAsync(path)).Is("MISS");
        (await site.GetAsync("/api/other")).Is("HIT");
    }

    [Fact]
    public async Task A_header_that_the_application_consumes_still_selects_its_own_variant()
    {
        await using Site site = await Site.StartAsync(context =>
        {
            string tenant = context.Request.Headers["X-Tenant"].ToString();
            context.Request.Headers.Remove("X-Tenant");
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.Vary = "X-Tenant";
            return context.Response.WriteAsync($"of {tenant}");
        });
        (await site.GetAsync("/", ("X-Tenant", "a"))).Is("MISS", "of a");
        (await site.GetAsync("/")).Is("MISS", "of ");
        (await site.GetAsync("/", ("X-Tenant", "a"))).Is("HIT", "of a");
    }

    [Fact]
    public async Task A_tag_that_a_path_leaves_empty_does_no_harm()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), rules =>
        {
            rules.Rules.Add(new() { Pattern = RulePattern.Path("/files/{**rest}"), Methods = ["DELETE"], Invalidates = ["{rest}"] });
            rules.Cache("/files/{**rest}", TimeSpan.FromMinutes(1), RuleScope.Shared, "{rest}");
        });
        (await site.GetAsync("/files/")).Is("MISS", "v1");
        await site.Cache.InvalidateAsync(Invalidation.Tag("unrelated"));
        (await site.GetAsync("/files/")).Is("HIT", "v1");
        (await site.SendAsync("DELETE", "/files/")).Is("BYPASS", "v2");
        (await site.GetAsync("/files/")).Is("MISS", "v3");
    }
}
