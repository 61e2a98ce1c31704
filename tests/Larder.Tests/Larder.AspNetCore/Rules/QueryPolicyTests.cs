using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Rules;

public class QueryPolicyTests
{
    public static TheoryData<QueryPolicy, string, string> Cases => new()
    {
        { QueryPolicy.AsSent, "/x?b=1&a=2", "/x?b=1&a=2" },
        { QueryPolicy.Sorted, "/x?b=1&a=2", "/x?a=2&b=1" },
        { QueryPolicy.Sorted, "/x?a=2&a=1", "/x?a=2&a=1" },
        { QueryPolicy.Sorted, "/x?&b&&a=", "/x?a=&b" },
        { QueryPolicy.Sorted, "/x?", "/x" },
        { QueryPolicy.Sorted, "/x", "/x" },
        { QueryPolicy.Sorted, "/x?a=1?b", "/x?a=1?b" },
        { QueryPolicy.None, "/x?a=1", "/x" },
        { QueryPolicy.Only("page", "q*"), "/x?z=1&q2=b&page=3&Page=4", "/x?page=3&q2=b" },
        { QueryPolicy.Except("utm_*"), "/x?utm_source=evil&b=1&a", "/x?a&b=1" },
        // What the origin may take for another separator stays in the value of its parameter, in the key as before the origin.
        { QueryPolicy.Except("utm_*"), "/x?a=1;utm_x=2", "/x?a=1;utm_x=2" },
        { QueryPolicy.Except("utm_*"), "/x?%75tm_x=2", "/x?%75tm_x=2" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_belongs_to_the_key(QueryPolicy policy, string target, string kept) => Assert.Equal(kept, policy.Apply(target).ToString());

    [Fact]
    public void Applied_twice_it_changes_nothing_more() =>
        Prop.ForAll<string[]>(static parts =>
        {
            string target = "/x?" + string.Join('&', parts.Where(static part => part is not null));
            string once = QueryPolicy.Sorted.Apply(target).ToString();
            return QueryPolicy.Sorted.Apply(once).ToString() == once;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Names_are_checked()
    {
        Assert.Throws<ArgumentException>(() => QueryPolicy.Only("a", ""));
        Assert.Throws<ArgumentException>(() => QueryPolicy.Except());
        Assert.Throws<ArgumentException>(() => QueryPolicy.Only("a&b"));
        Assert.Throws<ArgumentException>(() => QueryPolicy.Only([.. Enumerable.Range(0, 101).Select(i => $"p{i}")]));
        Assert.Equal("only a b*", QueryPolicy.Only("a", "b*").ToString());
    }
}
