using System.Globalization;
using System.ServiceProcess;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Hosting.WindowsServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.EventLog;
using Serilog;
using Serilog.Formatting.Json;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>The Automation Server: a generic host with the watcher, the runner and the health page, over Quartz as alarm clock.</summary>
internal static class ServeHost
{
    private const long LogFileLimit = 50 * 1024 * 1024;
    private const int LogFilesKept = 14;

    // ERROR_EXCEPTION_IN_SERVICE, which lets the Service Control Manager start it again.
    private const int ServiceFailed = 1064;

    /// <summary>Serves a store until the token is cancelled.</summary>
    /// <param name="store">The store.</param>
    /// <param name="settings">How.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">Stops the server.</param>
    /// <exception cref="AlloyScanException">It cannot start: the port of the health page is taken (<c>HealthPortTaken</c>), the log file cannot be written (<c>LogFileUnwritable</c>), the
    /// store lacks a right or a table for the alarms of several hosts (<c>StoreForbidden</c>, <c>StoreDamaged</c>). Or it cannot go on: a newer version has brought the store up to date (<c>StoreTooNew</c>).</exception>
    public static async Task RunAsync(AlloyStore store, ServeSettings settings, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "alloyscan" });
        using var file = settings.LogFile is null ? null : OpenLog(settings);
        AddLogging(builder.Logging, settings, file, store.Location.IsPostgres);
        builder.Services.AddSingleton(store);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(timeProvider);
        AddLifetime(builder.Services);
        builder.Services.AddSingleton<ServeMetrics>();
        builder.Services.AddSingleton<ServeEnd>();
        builder.Services.AddSingleton<JobRunner>();
        // In the order in which they start: no alarm goes off in a server that does not come up.
        builder.Services.AddHostedService<HealthServer>();
        using var connections = store.NewConnections();
        QuartzAlarmClock.Add(builder.Services, connections);
        builder.Services.AddHostedService<ScheduleWatcher>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.StopPatience + TimeSpan.FromSeconds(10));

        using var host = builder.Build();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("AlloyScan.AutomationServer");
        logger.Serving(store.Location.ToString(), store.Schedules.List().Count);
        await StartAsync(host, connections);
        // Nobody listens unless systemd started the program.
        var systemd = new SystemdNotifier();
        systemd.Notify(ServiceState.Ready);
        var failure = await UntilEndAsync(host, cancellationToken);
        systemd.Notify(ServiceState.Stopping);
        if (failure is null)
            logger.Stopping();
        else
            logger.CannotGoOn(failure.ErrorId, failure.MessageWithAdvice);

        // Runs first, so that they end as canceled while everything around them is still there.
        await host.Services.GetRequiredService<JobRunner>().StopAsync();
        if (failure is not null && OperatingSystem.IsWindows() && host.Services.GetRequiredService<IHostLifetime>() is ServiceBase service)
            service.ExitCode = ServiceFailed;
        await host.StopAsync(CancellationToken.None);
        logger.Stopped();
        if (failure is not null)
            throw failure;
    }

    /// <summary>Signals come through the token. What the Service Control Manager of Windows says comes through its own lifetime.</summary>
    private static void AddLifetime(IServiceCollection services)
    {
        if (WindowsServiceHelpers.IsWindowsService())
            services.AddWindowsService(options => options.ServiceName = "alloyscan");
        else
            services.AddSingleton<IHostLifetime, NoLifetime>();
    }

    private static async Task StartAsync(IHost host, StoreConnections? connections)
    {
        try
        {
            // Whoever stops it now is heard when it has started: the parts of the host would take the token for their own end.
            await host.StartAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is not (AlloyScanException or OperationCanceledException) && connections?.Translate(e) is { } ours)
        {
            throw ours;
        }
    }

    /// <summary>Waits until somebody stops the server.</summary>
    /// <returns>Why it cannot go on; <see langword="null"/> when it was stopped.</returns>
    private static async Task<AlloyScanException?> UntilEndAsync(IHost host, CancellationToken cancellationToken)
    {
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var failed = host.Services.GetRequiredService<ServeEnd>().Failed;
        try
        {
            return await failed.WaitAsync(stopped.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static void AddLogging(ILoggingBuilder logging, ServeSettings settings, Serilog.Core.Logger? file, bool isShared)
    {
        logging.SetMinimumLevel(settings.Verbose ? LogLevel.Debug : LogLevel.Information);
        // What Quartz and the web server say of themselves helps nobody who reads about jobs. While a database is away Quartz tells so many times
        // a second, and the watcher, which asks the same tables, once.
        logging.AddFilter("Quartz", isShared && !settings.Verbose ? LogLevel.None : LogLevel.Warning);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        if (settings.JsonLog)
        {
            logging.AddJsonConsole(options =>
            {
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else if (SystemdHelpers.IsSystemdService())
        {
            // With the level in a form that the journal reads, which has the time by itself.
            logging.AddSystemdConsole(options => options.TimestampFormat = null);
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

        // A service of Windows has no console: what matters goes to the application log.
        if (OperatingSystem.IsWindows())
            logging.AddFilter<EventLogLoggerProvider>(level => level >= LogLevel.Warning);
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
