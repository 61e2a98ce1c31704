using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class RedisConnectionStringTests
{
    private static string Servers(RedisOptions options) => string.Join(' ', options.Endpoints);

    [Theory]
    [InlineData("redis://localhost", "localhost:6379", null, null, 0, false)]
    [InlineData("redis://localhost:7000/2", "localhost:7000", null, null, 2, false)]
    [InlineData("rediss://user:p%40ss%2C%3A@cache.example:6380/1", "cache.example:6380", "user", "p@ss,:", 1, true)]
    [InlineData("redis://:p:a:s:s@[::1]:7000,other", "[::1]:7000 other:6379", null, "p:a:s:s", 0, false)]
    [InlineData("redis://a@b:c@h", "h:6379", "a@b", "c", 0, false)]
    [InlineData("redis://%2Frun%2Fredis.sock/3", "/run/redis.sock", null, null, 3, false)]
    [InlineData("REDIS://h/?db=4&password=x", "h:6379", null, "x", 4, false)]
    [InlineData("localhost", "localhost:6379", null, null, 0, false)]
    [InlineData("a:1, b:2 ,password = x=y= ,user=u,ssl=TRUE,defaultDatabase=7,abortConnect=false", "a:1 b:2", "u", "x=y=", 7, true)]
    [InlineData("::1", "[::1]:6379", null, null, 0, false)]
    [InlineData("/run/redis.sock,password=p", "/run/redis.sock", null, "p", 0, false)]
    [InlineData("h,ssl=false", "h:6379", null, null, 0, false)]
    public void Both_styles(string text, string servers, string? user, string? password, int database, bool tls)
    {
        RedisOptions options = RedisOptions.Parse(text);
        Assert.Equal((servers, user, password, database, tls), (Servers(options), options.User, options.Password, options.Database, options.Tls is not null));
    }

    [Theory]
    [InlineData("redis+sentinel://user:p%40ss@s1,s2:7000/main/3", "s1:26379 s2:7000", "main", "user", "p@ss", 3, false)]
    [InlineData("rediss+sentinel://s1/main", "s1:26379", "main", null, null, 0, true)]
    [InlineData("REDIS+SENTINEL://[::1]?sentinel=main&db=2", "[::1]:26379", "main", null, null, 2, false)]
    [InlineData("redis://s1,s2/1?sentinel=main", "s1:26379 s2:26379", "main", null, null, 1, false)]
    [InlineData("s1,s2:6379,serviceName=main,password=p", "s1:26379 s2:6379", "main", null, "p", 0, false)]
    public void Sentinels_have_a_group_and_a_port_of_their_own(string text, string servers, string group, string? user, string? password, int database, bool tls)
    {
        RedisOptions options = RedisOptions.Parse(text);
        Assert.Equal((servers, group, user, password, database, tls), (Servers(options), options.SentinelMaster, options.User, options.Password, options.Database, options.Tls is not null));
        Assert.True(new RedisOptionsValidator().Validate(null, options).Succeeded);
        Assert.Contains("?sentinel=main", options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_of_sentinels_and_clusters_are_read_and_not_shown()
    {
        RedisOptions options = RedisOptions.Parse("s1,sentinel=main,sentinelUser=Ca9ary-user,sentinelPassword=Ca9ary,password=Ca9ary-other");
        Assert.Equal(("Ca9ary-user", "Ca9ary", "Ca9ary-other"), (options.SentinelUser, options.SentinelPassword, options.Password));
        Assert.DoesNotContain("Ca9ary", options.ToString(), StringComparison.Ordinal);
        options.SentinelUser += "\0";
        options.SentinelPassword += "\0";
        Assert.DoesNotContain("Ca9ary", Assert.Throws<ArgumentException>(() => RedisOptionsValidator.Require(options)).ToString(), StringComparison.Ordinal);
        Assert.True(RedisOptions.Parse("a:1,b:2,cluster=true").Cluster);
        Assert.Equal("redis://a:1/0?cluster=true", RedisOptions.Parse("redis://a:1?cluster=true").ToString());
    }

    [Fact]
    public void Times_have_units()
    {
        RedisOptions options = RedisOptions.Parse("redis://h?timeout=75&connectTimeout=3s&heartbeat=2.5s&silence=900ms");
        Assert.Equal((75, 3000, 2500, 900), (options.Timeout.TotalMilliseconds, options.ConnectTimeout.TotalMilliseconds, options.Heartbeat.TotalMilliseconds, options.Silence.TotalMilliseconds));
    }

    [Fact]
    public void What_means_nothing_here_is_accepted_and_told()
    {
        RedisOptions options = RedisOptions.Parse("h," + string.Join(',', RedisKeywords.WithoutMeaning.Select(name => name.ToUpperInvariant() + "=1")));
        Assert.Equal(RedisKeywords.WithoutMeaning.Order(), options.Ignored.Order());
    }

    [Theory]
    [InlineData("")]
    [InlineData("password=Ca9ary")]
    [InlineData("redis://")]
    [InlineData("redis://u:Ca9ary@")]
    [InlineData("redis://u:Ca9/ary@h")]
    [InlineData("h:Ca9ary")]
    [InlineData("h:0")]
    [InlineData("h:65536")]
    [InlineData("[::1:6379")]
    [InlineData("[::1]x")]
    [InlineData("redis://h/Ca9ary")]
    [InlineData("redis://h?Ca9ary")]
    [InlineData("redis://h?Ca9ary=1")]
    [InlineData("h,password=one,Ca9ary")]
    [InlineData("h,password=one,Ca9ary,x=1")]
    [InlineData("h,Ca9ary=1")]
    [InlineData("h,ssl=Ca9ary")]
    [InlineData("h,timeout=Ca9ary")]
    [InlineData("h,timeout=-1")]
    [InlineData("h,timeout=9999999999")]
    [InlineData("h,password=")]
    [InlineData("h,defaultDatabase=-1")]
    [InlineData("http://Ca9ary")]
    [InlineData("redis+sentinel://Ca9ary")]
    [InlineData("redis+sentinel://u:12/Ca9ary@s1")]
    [InlineData("redis+sentinel://s1/main/Ca9ary")]
    [InlineData("s1,sentinel=main,sentinelPassword=")]
    [InlineData("s1,cluster=Ca9ary")]
    public void What_is_wrong_is_refused_without_repeating_it(string text)
    {
        // A word that may be a host is taken for one: that can't be told from half of a password.
        Exception? error = Record.Exception(() => RedisOptions.Parse(text));
        if (text.EndsWith("one,Ca9ary", StringComparison.Ordinal)) Assert.Null(error);
        else Assert.DoesNotContain("Ca9", Assert.IsType<FormatException>(error).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => RedisOptions.Parse(new string('h', 20_000)));
    }

    [Fact]
    public void An_unknown_keyword_is_told_which_there_are()
    {
        var error = Assert.Throws<FormatException>(() => RedisOptions.Parse("h,pasword=x"));
        Assert.Contains("password", error.Message, StringComparison.Ordinal);
        Assert.Contains("abortConnect", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reddis://h", "The scheme of a connection string is unknown. Known are redis://")]
    [InlineData("http://h:6379", "The scheme of a connection string is unknown")]
    [InlineData("redis:/h", "begins with redis://, with two slashes")]
    [InlineData("h:65536", "has a port that is none: allowed is 1 to 65535")]
    [InlineData("redis://a,h:0", "Part 2 of the servers of a connection string has a port that is none")]
    [InlineData("redis://ho st", "Part 1 of the servers of a connection string has a blank in it")]
    [InlineData("redis://u:p/ss#w@h", "write %2F %3F %40 %25 instead")]
    [InlineData("redis://:p?ss@h", "write %2F %3F %40 %25 instead")]
    [InlineData("redis://h?pasword=x", "did you mean 'password'?")]
    [InlineData("h,zzzzzzzz=5", "is unknown. Known are asyncTimeout")]
    public void Each_mistake_has_a_message_of_its_own(string text, string part) =>
        Assert.Contains(part, Assert.Throws<FormatException>(() => RedisOptions.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("redis://h?password=a@b")]
    [InlineData("redis://u:p%2Fss%23w@h")]
    [InlineData("/run/redis.sock")]
    [InlineData("h,password=a:/b")]
    public void What_looks_like_a_mistake_and_is_none(string text) => Assert.Single(RedisOptions.Parse(text).Endpoints);

    private static Gen<RedisOptions> AnyOptions()
    {
        Gen<string> text = Gen.Elements("aB1 ,=@:/?%&#é🙂\"'".EnumerateRunes().Select(rune => rune.ToString()).ToArray()).NonEmptyListOf().Select(parts => string.Concat(parts));
        Gen<string?> maybe = Gen.Frequency((1, Gen.Constant<string?>(null)), (2, text.Select(t => (string?)t)));
        Gen<RedisEndpoint> endpoint = Gen.OneOf(
            Gen.Elements("h", "cache.example", "127.0.0.1", "::1", "a-b.c").SelectMany(_ => Gen.Choose(1, 65535), (host, port) => new RedisEndpoint(host, port)),
            Gen.Elements("/run/redis.sock", "/srv/a,b/c@d:1.sock").Select(path => new RedisEndpoint(path, 0)));
        Gen<TimeSpan> span = Gen.Choose(1000, 600_000).Select(tenths => TimeSpan.FromMilliseconds(tenths / 10.0));
        Gen<RedisTlsOptions?> tls = Gen.Frequency((1, Gen.Constant<RedisTlsOptions?>(null)), (1, maybe.Four().SelectMany(_ => Gen.Choose(0, 3), (texts, flags) => (RedisTlsOptions?)new RedisTlsOptions
        {
            ServerName = texts.Item1, TrustedRootsFile = texts.Item2, ClientCertificateFile = texts.Item3, ClientKeyFile = texts.Item4,
            CheckRevocation = (flags & 1) != 0, DangerouslyAcceptAnyCertificate = (flags & 2) != 0,
        })));
        return from endpoints in endpoint.NonEmptyListOf()
               from secrets in maybe.Two()
               from database in Gen.Choose(0, 65535)
               from spans in span.ArrayOf(5)
               from security in tls
               select Made(endpoints, secrets.Item1, secrets.Item2, database, spans, security);

        static RedisOptions Made(IEnumerable<RedisEndpoint> endpoints, string? user, string? password, int database, TimeSpan[] spans, RedisTlsOptions? tls)
        {
            var options = new RedisOptions
            {
                User = user, Password = password, Database = database, Tls = tls, ClientName = "n" + database,
                Cluster = database % 5 == 0, SentinelMaster = database % 5 == 1 ? "main" : null, SentinelUser = database % 5 == 1 ? user : null, SentinelPassword = database % 5 == 1 ? password : null,
                Timeout = spans[0], ConnectTimeout = spans[1], Heartbeat = spans[2], Silence = spans[3], LongestBackoff = spans[4],
            };
            foreach (RedisEndpoint one in endpoints) options.Endpoints.Add(one);
            return options;
        }
    }

    private static object?[] Fields(RedisOptions o) =>
    [
        o.Cluster, o.SentinelMaster, o.SentinelUser, o.SentinelPassword, Servers(o), o.User, o.Password, o.Database, o.ClientName, o.Timeout, o.ConnectTimeout, o.Heartbeat, o.Silence, o.LongestBackoff, o.Tls is null,
        o.Tls?.ServerName, o.Tls?.TrustedRootsFile, o.Tls?.ClientCertificateFile, o.Tls?.ClientKeyFile, o.Tls?.CheckRevocation, o.Tls?.DangerouslyAcceptAnyCertificate,
    ];

    [Fact]
    public void What_was_written_reads_back() =>
        Prop.ForAll(Arb.From(AnyOptions()), options => Fields(RedisOptions.Parse(RedisConnectionString.Format(options))).SequenceEqual(Fields(options)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Any_text_is_options_or_a_FormatException() =>
        Prop.ForAll(Arb.From(Gen.Elements("redis://", "rediss://", "redis+sentinel://", "sentinel", "cluster", "h", ":", "@", "/", "?", "&", "=", ",", "%", "%2", "%00", "password", "ssl", "true", "[", "]", "1", "é", "\0").ListOf()), parts =>
            Record.Exception(() => RedisOptions.Parse(string.Concat(parts))) is null or FormatException).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Fact]
    public void No_secret_is_in_what_options_say_of_themselves()
    {
        RedisOptions options = RedisOptions.Parse("rediss://Ca9ary-user:Ca9ary@h,i:1/2");
        Assert.Equal("rediss://h:6379,i:1/2", options.ToString());
        options.Database = -1;
        options.Password += "\0";
        options.User += "\0";
        var error = Assert.Throws<ArgumentException>(() => RedisOptionsValidator.Require(options));
        Assert.Contains("Password is given", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Ca9ary", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Ca9ary", RedisConnectionString.Format(options), StringComparison.Ordinal);
    }
}
