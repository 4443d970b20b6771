using System.Globalization;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;
using Serilog;
using Serilog.Formatting.Json;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>The Automation Server: a generic host with the watcher, the runner and the health page, over Quartz as alarm clock.</summary>
internal static class ServeHost
{
    private const long LogFileLimit = 50 * 1024 * 1024;
    private const int LogFilesKept = 14;

    /// <summary>Serves a store until the token is cancelled.</summary>
    /// <param name="store">The store.</param>
    /// <param name="settings">How.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Stops the server.</param>
    /// <exception cref="AlloyScanException">It cannot start: the port of the health page is taken (<c>HealthPortTaken</c>), the log file cannot be written (<c>LogFileUnwritable</c>).</exception>
    public static async Task RunAsync(AlloyStore store, ServeSettings settings, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "alloyscan" });
        using var file = settings.LogFile is null ? null : OpenLog(settings);
        AddLogging(builder.Logging, settings, file);
        builder.Services.AddSingleton(store);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(timeProvider);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton<ServeMetrics>();
        builder.Services.AddSingleton<JobRunner>();
        builder.Services.AddSingleton<IAlarmClock, QuartzAlarmClock>();
        builder.Services.AddQuartz(quartz =>
        {
            // One host: alarms live in memory, and are set again from the jobs table after a start.
            quartz.UseInMemoryStore();
            quartz.UseDefaultThreadPool(4);
        });
        builder.Services.AddQuartzHostedService(options => options.WaitForJobsToComplete = true);
        builder.Services.AddHostedService<HealthServer>();
        builder.Services.AddHostedService<ScheduleWatcher>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.StopPatience + TimeSpan.FromSeconds(10));

        using var host = builder.Build();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("AlloyScan.AutomationServer");
        logger.Serving(store.Location.ToString(), store.Schedules.List().Count);
        await host.StartAsync(cancellationToken);
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            logger.Stopping();
        }

        // Runs first, so that they end as canceled while everything around them is still there.
        await host.Services.GetRequiredService<JobRunner>().StopAsync();
        await host.StopAsync(CancellationToken.None);
        logger.Stopped();
    }

    private static void AddLogging(ILoggingBuilder logging, ServeSettings settings, Serilog.Core.Logger? file)
    {
        logging.SetMinimumLevel(settings.Verbose ? LogLevel.Debug : LogLevel.Information);
        // What Quartz and the web server say of themselves helps nobody who reads about jobs.
        logging.AddFilter("Quartz", LogLevel.Warning);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        if (settings.JsonLog)
        {
            logging.AddJsonConsole(options =>
            {
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            logging.AddSimpleConsole(options =>
            {
                options.SingleLine = true;
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            });
        }

        if (file is not null)
            logging.AddSerilog(file);
    }

    private static Serilog.Core.Logger OpenLog(ServeSettings settings)
    {
        var path = Path.GetFullPath(settings.LogFile!);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            // The sink keeps its failures to itself, so a file that cannot be written is found here.
            using (new FileStream(path + ".check", FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new AlloyScanException(ErrorKind.ResourceUnavailable, "LogFileUnwritable", $"The log file '{path}' cannot be written: {e.Message}", path, "Choose a folder that this account may write to.", e);
        }

        return new LoggerConfiguration()
            .MinimumLevel.Is(settings.Verbose ? Serilog.Events.LogEventLevel.Debug : Serilog.Events.LogEventLevel.Information)
            .WriteTo.File(
                new JsonFormatter(closingDelimiter: "\n", renderMessage: true, formatProvider: CultureInfo.InvariantCulture), path, rollingInterval: RollingInterval.Day, fileSizeLimitBytes: LogFileLimit,
                rollOnFileSizeLimit: true, retainedFileCountLimit: LogFilesKept, shared: false)
            .CreateLogger();
    }
}
