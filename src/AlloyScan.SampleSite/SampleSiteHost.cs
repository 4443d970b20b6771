using System.IO.Compression;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.ResponseCompression;

namespace AlloyScan.SampleSite;

/// <summary>
/// A local AlloyScan site with a made-up fleet, on 127.0.0.1 only: for trying out, for tests and for benchmarks.
/// Stops and frees its port when disposed.
/// </summary>
public sealed class SampleSiteHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private SampleSiteHost(WebApplication application, SampleSiteOptions options, SampleSiteState state)
    {
        (_application, Options, State) = (application, options, state);
        BaseUrl = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        SiteUrl = options.Slug is null ? BaseUrl : new Uri(BaseUrl, options.Slug);
    }

    /// <summary>Base of all API paths, such as <c>http://127.0.0.1:40123/</c>.</summary>
    public Uri BaseUrl { get; }

    /// <summary>What a person would enter as the site's URL: the base, with the slug if there is one.</summary>
    public Uri SiteUrl { get; }

    /// <summary>Client ID of the site's app registration.</summary>
    public string ClientId => State.Tokens.ClientId;

    /// <summary>Client secret of the site's app registration.</summary>
    public string ClientSecret => State.Tokens.ClientSecret;

    /// <summary>How the site was set up.</summary>
    public SampleSiteOptions Options { get; }

    /// <summary>The running site: its day, fleet, registration and log.</summary>
    public SampleSiteState State { get; }

    /// <summary>Starts a site. It answers when this returns.</summary>
    public static async Task<SampleSiteHost> StartAsync(SampleSiteOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var fleet = new SampleFleet(options);
        var state = new SampleSiteState(options, fleet, new SampleSiteLog(options.AccessLogPath, options.Clock));

        // An empty builder: no settings file or environment variable of the caller may open the site to the network.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(state);
        builder.Services.AddSingleton<DeviceWriter>();
        builder.Services.AddSingleton<FleetQueries>();
        if (options.Gzip)
        {
            builder.Services.AddResponseCompression(compression =>
            {
                compression.MimeTypes = ["application/json"];
                compression.Providers.Add<GzipCompressionProvider>();
            });
            builder.Services.Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.Fastest);
        }

        var application = builder.Build();
        Build(application, options);
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch
        {
            await application.DisposeAsync();
            state.Log.Dispose();
            throw;
        }

        return new SampleSiteHost(application, options, state);
    }

    /// <summary>Stops the site.</summary>
    public async ValueTask DisposeAsync()
    {
        // Clients may hold connections open; nobody waits for them.
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        try
        {
            await _application.StopAsync(now.Token);
        }
        catch (OperationCanceledException)
        {
            // Then the connections were cut, which is as good.
        }

        await _application.DisposeAsync();
        State.Log.Dispose();
    }

    private static void Build(WebApplication application, SampleSiteOptions options)
    {
        application.UseMiddleware<AccessLogMiddleware>();
        if (options.Gzip)
            application.UseResponseCompression();

        if (options.ApiPath != SampleSiteOptions.DefaultApiPath)
            application.UseMiddleware<ApiPathMiddleware>();

        application.UseRouting();
        application.UseMiddleware<FaultMiddleware>();
        application.UseMiddleware<TokenMiddleware>();
        foreach (var page in options.Slug is { } slug ? ["/", "/" + slug] : (string[])["/"])
            application.MapGet(page, WelcomeAsync).WithMetadata(new NoTokenNeeded());

        var services = application.Services;
        ActivatorUtilities.CreateInstance<DocumentEndpoint>(services).Map(application);
        ActivatorUtilities.CreateInstance<TokenEndpoint>(services).Map(application);
        ActivatorUtilities.CreateInstance<DeviceEndpoints>(services).Map(application);
        ActivatorUtilities.CreateInstance<SoftwareEndpoints>(services).Map(application);
        ActivatorUtilities.CreateInstance<TagEndpoints>(services).Map(application);
        ActivatorUtilities.CreateInstance<SegmentEndpoints>(services).Map(application);
        ActivatorUtilities.CreateInstance<ControlEndpoints>(services).Map(application);
    }

    /// <summary>Where a real site shows its web pages.</summary>
    private static Task WelcomeAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync("<!DOCTYPE html><title>AlloyScan sample site</title><p>A sample site. What its API is, is told at <code>/openapi.json</code>.</p>\n");
    }

    /// <summary>The site ends when its owner says so; signals and Ctrl+C belong to the program that it runs in.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
