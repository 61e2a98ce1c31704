using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using static Larder.Tests.Http.Rfc9111.Messages;

namespace Larder.Tests.Http.Rfc9111;

public class StorabilityTests
{
    private static Reason Decide(ResponseFacts r, RequestFacts q = default, bool declaredPublic = false,
        bool ttl = false, bool isPrivate = false, bool errors = false) =>
        Storability.Decide(q, r, declaredPublic, ttl, isPrivate, errors);

    private static ResponseFacts With(string cacheControl, params (string, string)[] more) =>
        Ok([("Cache-Control", cacheControl), .. more]);

    [Theory]
    [InlineData("max-age=60", Reason.None)]
    [InlineData("s-maxage=60", Reason.None)]
    [InlineData("max-age=60, no-cache=\"a\", private=\"b\"", Reason.None)]
    [InlineData("no-store", Reason.UnstoredNoStore)]
    [InlineData("max-age=10000, No-StOrE", Reason.UnstoredNoStore)]
    [InlineData("private, max-age=3600", Reason.UnstoredPrivate)]
    [InlineData("private, public, max-age=3600", Reason.UnstoredPrivate)]
    [InlineData("must-understand, no-store, max-age=60", Reason.None)]
    [InlineData("max-age=0", Reason.UnstoredNoFreshness)]
    [InlineData("max-age=x", Reason.UnstoredNoFreshness)]
    [InlineData("max-age=60, no-cache", Reason.UnstoredNoFreshness)]
    [InlineData("max-age=0, stale-if-error=60", Reason.None)]
    [InlineData("max-age=0, stale-while-revalidate=60", Reason.None)]
    [InlineData("max-age=0, stale-while-revalidate=60, must-revalidate", Reason.UnstoredNoFreshness)]
    [InlineData("max-age=0, stale-while-revalidate=0", Reason.UnstoredNoFreshness)]
    [InlineData("public", Reason.UnstoredNoFreshness)]
    public void Directives(string cacheControl, Reason reason) => Assert.Equal(reason, Decide(With(cacheControl)));

    [Fact]
    public void A_validator_is_reason_enough()
    {
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(Ok()));
        Assert.Equal(Reason.None, Decide(Ok(("ETag", "\"a\""))));
        Assert.Equal(Reason.None, Decide(Ok(("Last-Modified", Date(-10)))));
        Assert.Equal(Reason.None, Decide(With("no-cache", ("ETag", "\"a\""))));
        Assert.Equal(Reason.None, Decide(With("max-age=0", ("ETag", "\"a\""))));
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(Ok(("ETag", " "))));
    }

    [Fact]
    public void Expires_gives_a_lifetime_unless_past()
    {
        Assert.Equal(Reason.None, Decide(Ok(("Expires", Date(60)), ("Date", Date(0)))));
        Assert.Equal(Reason.None, Decide(Ok(("Expires", Date(60)), ("Date", "foo"))));
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(Ok(("Expires", Date(0)), ("Date", Date(0)))));
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(Ok(("Expires", "0")), ttl: true));
    }

    [Fact]
    public void A_rules_lifetime_stands_in_for_a_silent_origin_only()
    {
        Assert.Equal(Reason.None, Decide(Ok(), ttl: true));
        Assert.Equal(Reason.None, Decide(Response(404), ttl: true));
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(302), ttl: true));
        // Of an error a lifetime is given only by a rule that says errors.
        Assert.Equal(Reason.None, Decide(Response(500), ttl: true, errors: true));
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(302), ttl: true));
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(With("no-cache"), ttl: true));
        Assert.Equal(Reason.UnstoredNoFreshness, Decide(With("max-age=0"), ttl: true));
    }

    [Theory]
    [InlineData(200), InlineData(201), InlineData(203), InlineData(204), InlineData(299), InlineData(301), InlineData(302)]
    [InlineData(303), InlineData(307), InlineData(308), InlineData(404), InlineData(410)]
    public void Any_other_final_status_is_stored_with_explicit_freshness(int status)
    {
        Assert.Equal(Reason.None, Decide(Response(status, ("Cache-Control", "max-age=60"))));
        Assert.Equal(Reason.None, Decide(Response(status, ("Expires", Date(60)), ("Date", Date(0)))));
        Assert.Equal(Reason.None, Decide(Response(status, ("Cache-Control", "public"), ("ETag", "\"a\""))));
    }

    [Theory]
    [InlineData(201), InlineData(202), InlineData(302), InlineData(307), InlineData(403), InlineData(599)]
    public void Without_it_the_status_must_be_heuristically_cacheable(int status) =>
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(status, ("Last-Modified", Date(-86400))), errors: true));

    [Theory]
    [InlineData(100), InlineData(101), InlineData(103), InlineData(206), InlineData(304), InlineData(407), InlineData(412)]
    [InlineData(416), InlineData(600), InlineData(0), InlineData(-1)]
    public void Some_are_never_stored(int status) =>
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(status, ("Cache-Control", "public, max-age=60")), errors: true,
            declaredPublic: true, ttl: true));

    [Theory]
    [InlineData(400), InlineData(405), InlineData(408), InlineData(413), InlineData(414), InlineData(415), InlineData(417)]
    [InlineData(429), InlineData(431), InlineData(500), InlineData(501), InlineData(502), InlineData(503), InlineData(504)]
    [InlineData(599), InlineData(403), InlineData(406), InlineData(499)]
    public void What_one_odd_request_can_provoke_is_stored_only_on_demand(int status)
    {
        ResponseFacts r = Response(status, ("Cache-Control", "public, max-age=60"));
        Assert.Equal(Reason.UnstoredStatus, Decide(r));
        Assert.Equal(Reason.None, Decide(r, errors: true));
    }

    [Fact]
    public void Must_understand()
    {
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(599, ("Cache-Control", "max-age=60, must-understand")), errors: true));
        Assert.Equal(Reason.UnstoredStatus, Decide(Response(299, ("Cache-Control", "max-age=60, must-understand"))));
        Assert.Equal(Reason.UnstoredNoStore, Decide(Response(299, ("Cache-Control", "max-age=60, must-understand, no-store"))));
        Assert.Equal(Reason.None, Decide(Response(404, ("Cache-Control", "max-age=60, must-understand, no-store"))));
    }

    [Theory]
    [InlineData("Authorization", "max-age=60", false)]
    [InlineData("Authorization", "max-age=60, public", true)]
    [InlineData("Authorization", "s-maxage=60", true)]
    [InlineData("Authorization", "max-age=60, must-revalidate", true)]
    [InlineData("Authorization", "max-age=60, proxy-revalidate", false)]
    [InlineData("Cookie", "max-age=60", false)]
    [InlineData("Cookie", "max-age=60, public", true)]
    [InlineData("Cookie", "s-maxage=60", true)]
    [InlineData("Cookie", "max-age=60, must-revalidate", false)]
    public void Credentials(string header, string cacheControl, bool stored)
    {
        RequestFacts q = Request((header, "x"));
        ResponseFacts r = With(cacheControl);
        Assert.Equal(stored ? Reason.None : Reason.UnstoredCredentials, Decide(r, q));
        Assert.Equal(Reason.None, Decide(r, q, declaredPublic: true));
        Assert.Equal(Reason.None, Decide(r, q, isPrivate: true));
        Assert.Equal(stored, Storability.MayShare(q, r, false, false));
    }

    [Fact]
    public void Both_kinds_of_credentials_must_be_permitted()
    {
        RequestFacts q = Request(("Authorization", "x"), ("Cookie", "x"));
        Assert.Equal(Reason.UnstoredCredentials, Decide(With("max-age=60, must-revalidate"), q));
        Assert.Equal(Reason.None, Decide(With("max-age=60, public"), q));
    }

    [Fact]
    public void Set_cookie_no_store_and_vary_star_have_no_exception()
    {
        ResponseFacts cookie = With("public, max-age=60", ("Set-Cookie", "a=b"));
        Assert.Equal(Reason.UnstoredSetCookie, Decide(cookie, declaredPublic: true, ttl: true, isPrivate: true));
        ResponseFacts star = With("public, max-age=60", ("Vary", "Accept, *"));
        Assert.Equal(Reason.UnstoredVary, Decide(star, declaredPublic: true, ttl: true, isPrivate: true));
        RequestFacts q = Request(("Cache-Control", "no-store"));
        Assert.Equal(Reason.UnstoredNoStore, Decide(With("public, max-age=60, must-understand"), q, true, true, true));
        Assert.Equal(Reason.UnstoredMethod, Decide(With("max-age=60"), new RequestFacts { IsHead = true }));
    }

    [Fact]
    public void A_private_rule_lifts_private_and_nothing_else()
    {
        Assert.Equal(Reason.None, Decide(With("private, max-age=60"), isPrivate: true));
        Assert.Equal(Reason.UnstoredPrivate, Decide(With("private, max-age=60"), declaredPublic: true));
        Assert.Equal(Reason.UnstoredNoStore, Decide(With("private, no-store"), isPrivate: true));
        Assert.Equal(Reason.None, Decide(Response(302, ("Cache-Control", "private"), ("ETag", "\"a\"")), isPrivate: true));
    }

    [Fact]
    public void Named_fields_are_withheld()
    {
        CacheControl cc = CacheControl.Parse("no-cache=\"A, b\", private=\"c\", max-age=60");
        Assert.True(Storability.WithholdsFields(cc));
        Assert.True(Storability.IsWithheld(cc, "a", false) && Storability.IsWithheld(cc, "B", false));
        Assert.True(Storability.IsWithheld(cc, "C", false));
        Assert.True(Storability.IsWithheld(cc, "a", true));
        Assert.False(Storability.IsWithheld(cc, "c", true));
        Assert.False(Storability.IsWithheld(cc, "d", false));
        Assert.False(Storability.WithholdsFields(CacheControl.Parse("no-cache, private")));
    }

    [Fact]
    public void What_is_stored_with_a_lifetime_is_fresh_to_a_plain_request_at_age_zero() =>
        Prop.ForAll(Messages.Hostile, Messages.Hostile, (cacheControl, expires) =>
        {
            ResponseFacts r = With(cacheControl + ",max-age=5", ("Expires", expires), ("Date", Date(0)));
            TimeSpan lifetime = Freshness.Lifetime(r, Now, null).Value;
            if (Decide(r) != Reason.None || lifetime <= TimeSpan.Zero || r.CacheControl.NoCache) return true;
            return Reuse.Decide(default, new StoredFacts(r, lifetime), TimeSpan.Zero) == new ReuseDecision(ReuseKind.Fresh, Reason.HitMemory);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Restrictions_never_make_a_response_storable() =>
        Prop.ForAll(Messages.Hostile, text =>
            Decide(With(text + ", no-store")) != Reason.None || CacheControl.Parse(text).MustUnderstand).QuickCheckThrowOnFailure();
}
