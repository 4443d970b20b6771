using System.Globalization;
using System.Net;
using System.Text.Json;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AlloyScan.AutomationServer.Serving;

/// <summary><c>/health</c> and <c>/metrics</c> on the loopback address: names of jobs, counts and times, and nothing that a secret could be in.</summary>
internal sealed class HealthServer(AlloyStore store, ServeMetrics metrics, ServeSettings settings, TimeProvider timeProvider, ILogger<HealthServer> logger) : IHostedService, IAsyncDisposable
{
    /// <summary>A server that has not looked at its jobs for this long is ill.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60);

    private WebApplication? _application;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.HealthPort is not { } port)
            return;

        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "alloyscan" });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        // Signals and streams belong to the server around it.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var application = builder.Build();
        application.MapGet("/health", Health);
        application.MapGet("/metrics", MetricsAsync);
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            await application.DisposeAsync();
            throw new AlloyScanException(
                ErrorKind.ResourceUnavailable, "HealthPortTaken", string.Create(CultureInfo.InvariantCulture, $"The health page cannot listen on 127.0.0.1:{port}: {e.Message}"), port,
                "Choose another port with --health-port, 0 for any free one, or off.", e);
        }

        _application = application;
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        logger.HealthPage(address + "/health");
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => _application?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _application?.DisposeAsync() ?? ValueTask.CompletedTask;

    private IResult Health()
    {
        var now = timeProvider.GetUtcNow();
        var polled = metrics.PolledAt;
        var healthy = now - (polled ?? metrics.StartedAt) < s_silence;
        var next = metrics.Jobs.Where(j => j.Due is not null).MinBy(j => j.Due);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("status", healthy ? "ok" : "ill");
            json.WriteString("version", typeof(HealthServer).Assembly.GetName().Version?.ToString(3));
            json.WriteString("started_at", Iso(metrics.StartedAt));
            json.WriteString("last_poll_at", Iso(polled));
            json.WriteStartArray("running");
            foreach (var job in metrics.Running)
                json.WriteStringValue(job);
            json.WriteEndArray();
            json.WriteString("next_job", next?.Name);
            json.WriteString("next_run_at", Iso(next?.Due));
            json.WriteStartArray("unusable_schedules");
            foreach (var job in metrics.Jobs.Where(j => j.Problem is not null))
                json.WriteStringValue(job.Name);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Results.Text(System.Text.Encoding.UTF8.GetString(buffer.ToArray()), "application/json", statusCode: healthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private async Task<IResult> MetricsAsync(CancellationToken cancellationToken) => Results.Text(await metrics.WriteAsync(OfStore(), cancellationToken), "text/plain; version=0.0.4; charset=utf-8");

    /// <summary>What other hosts and people did counts too, so it is read when somebody asks.</summary>
    private List<ServeMetrics.Reading> OfStore()
    {
        var gauges = new List<ServeMetrics.Reading>();
        try
        {
            foreach (var job in store.Jobs.List())
            {
                if (job.LastRunAt is not { } at)
                    continue;

                gauges.Add(new("alloyscan_job_last_run_time_seconds", "Start of the newest run, scheduled or not.", at.ToUnixTimeMilliseconds() / 1000.0, ("job", job.Name)));
                gauges.Add(new("alloyscan_job_last_run_status", "Status of the newest run, scheduled or not.", 1, ("job", job.Name), ("status", job.LastRunStatus ?? string.Empty)));
            }

            foreach (var usage in store.AppRegistrations.Usage(days: 1))
            {
                (string, string)[] labels = [("site", usage.Site), ("client_id", usage.ClientId), ("registration", usage.AppRegistration ?? string.Empty)];
                gauges.Add(new("alloyscan_registration_calls", "API calls of the app registration since its last recharge.", usage.Calls, labels));
                if (usage.Left is { } left)
                    gauges.Add(new("alloyscan_registration_budget_left", "API calls that the monthly budget of the app registration has left.", left, labels));
            }

            foreach (var registration in store.AppRegistrations.List())
            {
                if (registration.DaysLeft is { } days)
                    gauges.Add(new("alloyscan_registration_expires_days", "Days until the app registration expires, negative when it has.", days, ("site", registration.Site), ("client_id", registration.ClientId), ("registration", registration.Name)));
            }

            gauges.Add(new("alloyscan_store_up", "Whether the store can be read.", 1));
        }
        catch (AlloyScanException)
        {
            return [new("alloyscan_store_up", "Whether the store can be read.", 0)];
        }

        return gauges;
    }

    private static string? Iso(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}

/// <summary>Leaves signals to the program, which hands them on as a token.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
