using System.Net;
using System.Text;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class TokenTests
{
    [Fact]
    public async Task A_token_is_given_as_documented()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3, TokenLifetime = TimeSpan.FromMinutes(5) });

        using var reply = await site.AskTokenAsync(site.Host.ClientId, site.Host.ClientSecret);

        var body = await TestSite.JsonAsync(reply);
        Assert.Equal(20, site.Host.ClientId.Length);
        Assert.Equal("Bearer", body.GetProperty("token_type").GetString());
        Assert.Equal(300, body.GetProperty("expires_in").GetInt32());
        Assert.True(body.GetProperty("access_token").GetString()!.Length > 20);
    }

    [Fact]
    public async Task A_wrong_ID_or_secret_is_refused_as_invalid_client()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3 });

        using var wrongId = await site.AskTokenAsync("somebody", site.Host.ClientSecret);
        using var wrongSecret = await site.AskTokenAsync(site.Host.ClientId, site.Host.ClientSecret + "x");
        using var wrongGrant = await site.AskTokenAsync(site.Host.ClientId, site.Host.ClientSecret, "password");
        using var noForm = await site.Http.PostAsync("api/oauth/token", new StringContent("{}", Encoding.UTF8, "application/json"));

        Assert.Equal("invalid_client", await TestSite.ErrorAsync(wrongId, HttpStatusCode.Unauthorized));
        Assert.Equal("invalid_client", await TestSite.ErrorAsync(wrongSecret, HttpStatusCode.Unauthorized));
        Assert.Equal("unsupported_grant_type", await TestSite.ErrorAsync(wrongGrant, HttpStatusCode.BadRequest));
        Assert.Equal("invalid_request", await TestSite.ErrorAsync(noForm, HttpStatusCode.BadRequest));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task An_expired_or_disabled_registration_gets_no_token(bool expired, bool disabled)
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3, RegistrationExpired = expired, RegistrationDisabled = disabled });

        using var reply = await site.AskTokenAsync(site.Host.ClientId, site.Host.ClientSecret);

        Assert.Equal("invalid_client", await TestSite.ErrorAsync(reply, HttpStatusCode.Unauthorized));
    }

    [Fact]
    public async Task Nothing_is_given_without_a_good_token()
    {
        var clock = new HandClock();
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3, Clock = clock });
        using var stranger = new HttpClient { BaseAddress = site.Host.BaseUrl };

        using var none = await stranger.GetAsync("api/v1/devices");
        stranger.DefaultRequestHeaders.Add("Authorization", "Bearer made-up");
        using var madeUp = await stranger.GetAsync("api/v1/devices");
        await site.GetAsync("api/v1/devices");
        clock.Advance(TimeSpan.FromMinutes(61));
        using var late = await site.Http.GetAsync("api/v1/devices");
        await site.SignInAsync();
        await site.GetAsync("api/v1/devices");
        site.State.RevokeTokens();
        using var revoked = await site.Http.GetAsync("api/v1/devices");

        foreach (var reply in (HttpResponseMessage[])[none, madeUp, late, revoked])
            await TestSite.ErrorAsync(reply, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_registration_that_is_disabled_later_may_not_read_and_an_expired_one_may_until_its_token_ends()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3 });

        site.State.RegistrationDisabled = true;
        using var disabled = await site.Http.GetAsync("api/v1/devices");
        site.State.RegistrationDisabled = false;
        site.State.RegistrationExpired = true;
        using var expired = await site.Http.GetAsync("api/v1/devices");

        await TestSite.ErrorAsync(disabled, HttpStatusCode.Forbidden);
        Assert.Equal(HttpStatusCode.OK, expired.StatusCode);
    }

    [Fact]
    public async Task The_token_path_can_be_that_of_the_identity_server_and_the_other_is_not_found()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 3, TokenPath = SampleSiteOptions.IdentityServerTokenPath });

        using var other = await site.AskTokenAsync(site.Host.ClientId, site.Host.ClientSecret, path: SampleSiteOptions.DefaultTokenPath);

        await TestSite.ErrorAsync(other, HttpStatusCode.NotFound);
        await site.GetAsync("api/v1/devices");
    }

    [Fact]
    public async Task Secrets_are_made_up_at_random_and_not_shown_by_the_options()
    {
        await using var one = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });
        await using var two = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });

        Assert.NotEqual(one.Host.ClientSecret, two.Host.ClientSecret);
        Assert.DoesNotContain("hush", new SampleSiteOptions { ClientSecret = "hush" }.ToString(), StringComparison.Ordinal);
    }
}
