using System.Diagnostics;
using System.Globalization;
using AlloyScan.AutomationServer.Commands;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;
using Spectre.Console;

namespace AlloyScan.AutomationServer.Demo;

/// <summary>
/// The steps of the demo. It ends with the store in step with day 1 of the sample site, so a demo that is run
/// again on the same store starts its site at day 1 and finds nothing to do. All that it shows is read from the
/// site, from runs or from the store.
/// </summary>
internal sealed class DemoScenario
{
    /// <summary>Size of the sample site if none is asked for.</summary>
    public const int DefaultDevices = 500;

    /// <summary>Name of the demo's job.</summary>
    public const string JobName = "AlloyScan demo";

    /// <summary>The day on which every demo ends.</summary>
    public const int LastDay = 1;

    // The size is part of the site's address, so that a repeated demo knows what its site was.
    private const string SlugPrefix = "demo-";
    private const string ClientId = "alloyscandemo0000001";
    private const int ChangesShown = 10;

    private readonly Screen _screen;
    private readonly int? _devices;
    private readonly string? _storePath;
    private readonly string? _reportPath;
    private readonly DemoReport _report = new();
    private int _exitCode = ExitCode.Done;
    private int _step;
    private string _title = "";

    /// <summary>Prepares a demo.</summary>
    /// <param name="screen">Where it is shown.</param>
    /// <param name="devices">Size of the sample site; <see langword="null"/> for the default or what the store's demo had.</param>
    /// <param name="storePath">The store; <see langword="null"/> for a new one.</param>
    /// <param name="reportPath">The report to write; <see langword="null"/> for none.</param>
    public DemoScenario(Screen screen, int? devices, string? storePath, string? reportPath)
    {
        _screen = screen;
        _devices = devices;
        _storePath = storePath;
        _reportPath = reportPath;
    }

    /// <summary>Runs the demo.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="AlloyScanException">A step could not begin.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var location = StoreLocation.Resolve(_storePath ?? Path.Combine(Directory.CreateTempSubdirectory("alloyscan-demo-").FullName, "demo.db"));
        using var store = AlloyStore.Open(location, cancellationToken: cancellationToken);
        var job = FindJob(store);
        var repeated = job is not null;
        var devices = SizeOf(job) ?? _devices ?? DefaultDevices;
        _screen.Line($"AlloyScan demo: a sample site of {Words.Count(devices, "device")} into a CMDB.");

        Step("Sample site");
        await using var site = await StartSiteAsync(job, devices, cancellationToken);
        _report.Site = site.SiteUrl.AbsoluteUri;
        _report.Store = location.Path;
        _screen.Line($"{site.SiteUrl} answers like an AlloyScan site, with {Words.Count(devices, "generated device")}, on day {site.State.Day}.");

        Step("Connection");
        if (!await TestConnectionAsync(site, cancellationToken))
            return ExitCode.Failed;

        Step("Sync job");
        job = SaveJob(store, job, site);
        _screen.Line(repeated
            ? $"Job '{job.Name}' is in {location} already, left by an earlier demo on day {LastDay}."
            : $"Job '{job.Name}' created in {location}. The client secret is kept {job.ClientSecret}.");

        var goesOn = repeated
            ? await RepeatAsync(store, job, cancellationToken)
            : await FirstTimeAsync(store, job, site, cancellationToken);
        if (!goesOn)
        {
            _screen.Note($"The demo ended early. 'alloyscan demo --store \"{location}\"' continues it.");
            return _exitCode;
        }

        Step("Verification: the site's devices against the CMDB");
        var checks = new List<VerificationCheck>();
        await foreach (var check in store.Sync.VerifyAsync(new SyncRequest { Job = job }, cancellationToken))
            checks.Add(check);

        VerifyCommand.Show(_screen, checks);
        _report.Checks = checks;
        Worsen(VerifyCommand.ExitCodeOf(checks));

        Step("The CMDB");
        ShowCmdb(store);
        _screen.Line(location.IsPostgres ? $"The database is {location}. To look into it, in psql:" : $"The database is {location} ({Size(location)}). To look into it:");
        _screen.Line(location.IsPostgres ? "  select id, name, os_name, serial_number from SCHEMA.computers limit 10" : $"  sqlite3 \"{location}\" \"select id, name, os_name, serial_number from computers limit 10\"");
        if (_reportPath is not null)
        {
            _report.Write(_reportPath);
            _screen.Line($"The report is {_reportPath}.");
        }

        _screen.Line();
        _screen.Line(_exitCode == ExitCode.Done
            ? $"Done in {Words.Duration(clock.Elapsed)}."
            : $"Ended after {Words.Duration(clock.Elapsed)}, with problems: see above.");
        return _exitCode;
    }

    /// <summary>The sample site of a demo. The same size gives the same devices, with the same changes from day to day.</summary>
    /// <param name="devices">Its size.</param>
    public static SampleSiteOptions SiteOptions(int devices) => new()
    {
        Devices = devices,
        Slug = SlugPrefix + devices.ToString(CultureInfo.InvariantCulture),

        // Of a few devices hardly one changes in a day, and a demo without changes shows little.
        ChangeRate = Math.Clamp((double)DefaultDevices / devices, 1, 10),
    };

    private async Task<bool> FirstTimeAsync(AlloyStore store, SyncJob job, SampleSiteHost site, CancellationToken cancellationToken)
    {
        Step("First sync");
        if (await SyncAsync(store, job, listChanges: false, cancellationToken) is null)
            return false;

        Step("Second sync: nothing has changed on the site");
        if (!await SyncUnchangedAsync(store, job, cancellationToken))
            return false;

        site.State.Day = LastDay;
        Step($"Third sync: a day has passed on the site, it is day {site.State.Day}");
        return await SyncAsync(store, job, listChanges: true, cancellationToken) is not null;
    }

    private async Task<bool> RepeatAsync(AlloyStore store, SyncJob job, CancellationToken cancellationToken)
    {
        Step($"Sync: the site is still on day {LastDay}");
        if (await SyncAsync(store, job, listChanges: true, cancellationToken) is not { } run)
            return false;

        if (WroteNothing(store, run))
        {
            SayNothingWritten(run);
            return true;
        }

        _screen.Line("The earlier demo had not come to its end; this sync caught up.");
        Step("Sync: nothing has changed on the site");
        return await SyncUnchangedAsync(store, job, cancellationToken);
    }

    private async Task<bool> SyncUnchangedAsync(AlloyStore store, SyncJob job, CancellationToken cancellationToken)
    {
        if (await SyncAsync(store, job, listChanges: true, cancellationToken) is not { } run)
            return false;

        if (WroteNothing(store, run))
        {
            SayNothingWritten(run);
        }
        else
        {
            _screen.Error("The site had not changed, and yet this sync changed something.", null);
            Worsen(ExitCode.Failed);
        }

        return true;
    }

    private static bool WroteNothing(AlloyStore store, SyncRun run) =>
        run.Created + run.Updated + run.InstallationsAdded + run.InstallationsRemoved == 0 && !store.Runs.Changes(run.Id).Any();

    private void SayNothingWritten(SyncRun run) =>
        _screen.Line($"Nothing was written to any CI: the journal of run {run.Id} is empty.");

    private async Task<SyncRun?> SyncAsync(AlloyStore store, SyncJob job, bool listChanges, CancellationToken cancellationToken)
    {
        var changes = new ChangeSample();
        var (run, errors) = await RunObserver.ShowAsync(
            _screen, listChanges ? changes.Add : null, writesChanges: false,
            async observer => (await store.Sync.ExecuteAsync(new SyncRequest { Job = job }, observer, cancellationToken), observer.Errors));

        RunCommand.ShowOutcome(_screen, run, errors);
        _report.Runs.Add(new DemoReport.RunSection(_title, run, changes));
        if (changes.Total > 0)
        {
            var shown = changes.Choose(ChangesShown);
            _screen.Line(changes.Total <= shown.Count ? "The changes:" : $"{shown.Count} of its {Words.Number(changes.Total)} changes:");
            _screen.Table(Tables.Changes(shown));
        }

        Worsen(run.ExitCode);
        return run.Status is SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded ? run : null;
    }

    private static async Task<SampleSiteHost> StartSiteAsync(SyncJob? job, int devices, CancellationToken cancellationToken)
    {
        var options = SiteOptions(devices) with
        {
            Day = job is null ? 0 : LastDay,
            Port = job?.SiteUrl.Port ?? 0,
            ClientId = job?.ClientId ?? ClientId,
            ClientSecret = KnownSecret(job)?.Reveal(),
        };
        try
        {
            return await SampleSiteHost.StartAsync(options, cancellationToken);
        }
        catch (IOException e) when (options.Port != 0)
        {
            // The address is how the store knows the site again, so another port would be another site.
            throw new AlloyScanException(
                ErrorKind.ResourceBusy, "PortTaken",
                $"The sample site of this store's demo was at port {options.Port}, which cannot be used now: {e.Message}", options.Port,
                "End the program that uses the port, or leave --store out for a new demo.", e);
        }
    }

    private static Secret? KnownSecret(SyncJob? job)
    {
        try
        {
            return job?.ClientSecret.Resolve();
        }
        catch (AlloyScanException)
        {
            // Another account made the store. The sample site gets a new secret, and so does the job.
            return null;
        }
    }

    private async Task<bool> TestConnectionAsync(SampleSiteHost site, CancellationToken cancellationToken)
    {
        using var client = new SiteClient(new SiteConnectionOptions { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = new Secret(site.ClientSecret), Trace = _screen.Verbose });
        var test = await client.TestAsync(cancellationToken);
        var table = new Table();
        table.AddColumns("Step", "Result", "Found");
        table.AddColumn(new TableColumn("Time").RightAligned());
        foreach (var step in test.Steps)
        {
            var result = step.Passed switch { true => "passed", false => "FAILED", null => "not reached" };
            table.AddRow(new Text(step.Step), new Text(result), new Text(step.Detail), new Text(string.Create(CultureInfo.InvariantCulture, $"{step.Elapsed.TotalMilliseconds:0} ms")));
        }

        _screen.Table(table);
        if (!test.Succeeded)
            _screen.Error(test.Message, test.Advice);

        return test.Succeeded;
    }

    private SyncJob? FindJob(AlloyStore store)
    {
        var jobs = store.Jobs.List();
        var job = jobs.FirstOrDefault(j => string.Equals(j.Name, JobName, StringComparison.OrdinalIgnoreCase));
        var other = jobs.FirstOrDefault(j => j.Id != job?.Id);
        if (other is not null || (job is null && (store.Cmdb.Computers().Any() || store.Cmdb.Hardware().Any())))
        {
            // Generated devices must never get among real ones.
            var content = other is null ? "configuration items that are not the demo's" : $"the job '{other.Name}'";
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "StoreInUse", $"The store '{store.Location}' holds {content}; the demo writes generated devices only into a store of its own.", store.Location.Path,
                "Leave --store out, or name a new file.");
        }

        if (job is not null && SizeOf(job) is null)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "StoreInUse", $"The job '{job.Name}' in the store '{store.Location}' is not one that the demo made.", store.Location.Path, "Leave --store out, or name a new file.");

        if (job is not null && _devices is { } devices && devices != SizeOf(job))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "OtherSampleSite", $"The store '{store.Location}' holds a demo with {Words.Count(SizeOf(job)!.Value, "device")}, not {Words.Number(devices)}.", store.Location.Path,
                "Leave --devices out, or name a new file with --store.");
        }

        return job;
    }

    private static int? SizeOf(SyncJob? job)
    {
        var path = job?.SiteUrl is { IsLoopback: true } url ? url.AbsolutePath.Trim('/') : "";
        return path.StartsWith(SlugPrefix, StringComparison.Ordinal) && int.TryParse(path.AsSpan(SlugPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;
    }

    private static SyncJob SaveJob(AlloyStore store, SyncJob? job, SampleSiteHost site)
    {
        if (job is null)
        {
            return store.Jobs.Create(new SyncJob
            {
                Name = JobName,
                Enabled = false,
                SiteUrl = site.SiteUrl,
                ClientId = site.ClientId,
                ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)),
            });
        }

        return KnownSecret(job) is null ? store.Jobs.Update(job with { ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) }) : job;
    }

    private void ShowCmdb(AlloyStore store)
    {
        var platforms = store.Cmdb.Computers().CountBy(c => c.OsPlatform ?? "other").OrderByDescending(p => p.Value).ToList();
        var types = store.Cmdb.Hardware().CountBy(h => h.Type ?? "other").OrderByDescending(t => t.Value).ToList();
        var (products, installations) = store.Cmdb.Products().Aggregate((Products: 0L, Installations: 0L), (sum, p) => (sum.Products + 1, sum.Installations + p.Installations));
        var table = new Table();
        table.AddColumn("Class");
        table.AddColumn(new TableColumn("Records").RightAligned());
        table.AddColumn("Of them");
        table.AddRow(new Text("Computers"), new Text(Words.Number(platforms.Sum(p => p.Value))), new Text(string.Join(", ", platforms.Select(p => $"{Words.Number(p.Value)} {p.Key}"))));
        table.AddRow(new Text("Hardware"), new Text(Words.Number(types.Sum(t => t.Value))), new Text(string.Join(", ", types.Select(t => $"{Words.Number(t.Value)} {t.Key}"))));
        table.AddRow(new Text("Software products"), new Text(Words.Number(products)), new Text($"{Words.Number(installations)} installations"));
        _screen.Table(table);
    }

    private void Step(string title)
    {
        _title = title;
        _screen.Heading($"{++_step}. {title}");
    }

    private void Worsen(int exitCode)
    {
        // Partial (2) gives way to anything else that is not done; of the others the first one stays.
        if (_exitCode is ExitCode.Done or ExitCode.Partial && exitCode != ExitCode.Done)
            _exitCode = exitCode;
    }

    private static string Size(StoreLocation location)
    {
        // Beside the file stands its log of writes that are not in it yet.
        var log = new FileInfo(location.Path + "-wal");
        var bytes = new FileInfo(location.Path).Length + (log.Exists ? log.Length : 0);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
    }
}
