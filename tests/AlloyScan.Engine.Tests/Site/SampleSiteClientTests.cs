using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>The client against a real web server on this computer.</summary>
public sealed class SampleSiteClientTests
{
    private static SiteClient Client(SampleSiteHost host, Action<string>? trace = null) => new(new SiteConnectionOptions
    {
        SiteUrl = host.SiteUrl,
        ClientId = host.ClientId,
        ClientSecret = new Secret(host.ClientSecret),
        Trace = trace,
    });

    private static async Task<List<Device>> DevicesAsync(SiteClient client)
    {
        List<Device> devices = [];
        await foreach (Device device in client.ReadDevicesAsync(null, u => Assert.Fail(u.ToString()), default))
        {
            devices.Add(device);
        }

        return devices;
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    public async Task All_devices_and_snapshots_are_read_as_they_are(bool gzip, bool chunked, bool unknownFields)
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(
            new SampleSiteOptions { Devices = 230, MaxPageSize = 100, Gzip = gzip, Chunked = chunked, UnknownFields = unknownFields, Slug = "main" });
        using SiteClient client = Client(host);
        Dictionary<string, SampleDevice> truth = host.State.Fleet.Devices(0).ToDictionary(d => d.Id.ToString());

        List<Device> devices = await DevicesAsync(client);

        Assert.Equal(truth.Keys.Order(), devices.Select(d => d.Id).Order());
        Assert.Equal(4, client.Usage.Calls);
        foreach (Device row in devices.Take(25))
        {
            Device device = (await client.ReadDeviceAsync(row.Id, default))!;
            Assert.Equal((row.Name, row.MacAddress, row.Type, row.LastSeen), (device.Name, device.MacAddress, device.Type, device.LastSeen));
            Assert.NotNull(device.AuditId);
            Assert.NotNull(device.AuditDate);
            AuditSnapshot snapshot = (await client.ReadSnapshotAsync(device.AuditId, default))!;
            Assert.Equal(device.Id, snapshot.DeviceId);
            Assert.Equal(
                host.State.Fleet.Software(truth[row.Id].Index, 0).Select(s => (s.Name, s.Version)).Order(),
                (snapshot.Software ?? []).Select(s => (s.Name!, s.Version!)).Order());
        }
    }

    [Fact]
    public async Task The_connection_test_passes_and_says_what_it_found()
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 42 });
        using SiteClient client = Client(host);

        ConnectionTestResult result = await client.TestAsync(default);

        Assert.True(result.Succeeded, result.Message);
        Assert.Equal(host.State.Count, result.DeviceCount);
        Assert.All(result.Steps, s => Assert.True(s.Passed));
        Assert.Equal(2, client.Usage.Calls);
    }

    [Fact]
    public async Task An_expired_registration_is_told_at_the_token()
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 1, RegistrationExpired = true });
        using SiteClient client = Client(host);

        ConnectionTestResult result = await client.TestAsync(default);

        Assert.Equal("Token", result.FailedStep);
        Assert.Equal("InvalidClient", (await Assert.ThrowsAsync<SiteException>(() => client.AuthenticateAsync(default))).ErrorId);
    }

    [Fact]
    public async Task The_other_token_endpoint_is_found()
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 3, TokenPath = SampleSiteOptions.IdentityServerTokenPath });
        using SiteClient client = Client(host);

        Assert.Equal(3, (await DevicesAsync(client)).Count);
    }

    [Fact]
    public async Task Revoked_tokens_are_replaced_in_mid_run()
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 50 });
        using SiteClient client = Client(host);
        List<Device> devices = await DevicesAsync(client);

        host.State.RevokeTokens();
        Device?[] read = await Task.WhenAll(devices.Take(20).Select(d => client.ReadDeviceAsync(d.Id, default)));

        Assert.All(read, Assert.NotNull);
    }

    [Fact]
    public async Task A_rate_limit_is_borne()
    {
        // Below half of the calls, so that a second that ends in their midst leaves too many all the same.
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 60, RateLimitPerSecond = 20 });
        List<string> traces = [];
        using SiteClient client = Client(host, line =>
        {
            lock (traces)
            {
                traces.Add(line);
            }
        });

        List<Device> devices = await DevicesAsync(client);
        Device?[] read = await Task.WhenAll(devices.Select(d => client.ReadDeviceAsync(d.Id, default)));

        Assert.All(read, Assert.NotNull);
        Assert.Contains(traces, t => t.Contains("429", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_catalog_is_read_and_a_deleted_device_is_gone()
    {
        await using SampleSiteHost host = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        using SiteClient client = Client(host);
        int products = 0;
        await foreach (CatalogProduct product in client.ReadSoftwareAsync(null, default))
        {
            Assert.NotEmpty(product.Id);
            products++;
        }

        Assert.True(products > 50, $"{products} products");

        string id = (await DevicesAsync(client))[0].Id;
        await client.DeleteDeviceAsync(id, default);
        Assert.Null(await client.ReadDeviceAsync(id, default));
        await client.DeleteDeviceAsync(id, default);
        Assert.Equal(19, (await DevicesAsync(client)).Count);
    }
}
