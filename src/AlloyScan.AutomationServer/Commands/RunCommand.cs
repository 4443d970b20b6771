using System.CommandLine;
using System.CommandLine.Parsing;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan run</c>: one execution of a stored job, or of a site given on the command line.</summary>
internal sealed class RunCommand
{
    private readonly Argument<string?> _job = new("JOB") { Description = "Name of a stored job. Leave it out to run a site given by --site-url.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _siteUrl = new("--site-url") { Description = "Address of a site to run without a stored job.", HelpName = "URL" };
    private readonly Option<string?> _clientId = new("--client-id") { Description = "Client ID of the site's app registration.", HelpName = "ID" };
    private readonly Option<string?> _secretEnv = new("--client-secret-env") { Description = "Environment variable that holds the client secret.", HelpName = "VAR" };
    private readonly Option<string?> _secretFile = new("--client-secret-file") { Description = "File that holds the client secret; a bare name that is no file here is looked for in $CREDENTIALS_DIRECTORY.", HelpName = "FILE" };
    private readonly Option<string?> _name = new("--name") { Description = "Name under which the run of an unsaved job is kept. Default: the site's address.", HelpName = "NAME" };
    private readonly Option<SoftwarePlatforms> _software = new("--software")
    {
        Description = "Platforms whose software is imported: all, none, or some of windows,linux,macos.",
        HelpName = "PLATFORMS",
        DefaultValueFactory = _ => SoftwarePlatforms.All,
        CustomParser = ParsePlatforms,
    };

    private readonly Option<string?> _apiProfile = new("--api-profile") { Description = "JSON file with overrides of the API profile, for a site whose API differs from the documented one.", HelpName = "FILE" };
    private readonly Option<int> _throttleLimit = new("--throttle-limit")
    {
        Description = "Most requests at once, from 1 to 64.",
        HelpName = "N",
        DefaultValueFactory = _ => SiteConnectionOptions.DefaultThrottleLimit,
    };

    private readonly Option<string?> _store = CommandHost.StoreOption();
    private readonly Option<bool> _full = new("--full") { Description = "Read every device and audit again, moved or not." };
    private readonly Option<bool> _errorsOnly = new("--errors-only") { Description = "Read only the devices that failed in earlier runs, parked ones too." };
    private readonly Option<bool> _whatIf = new("--what-if") { Description = "List the changes and write nothing." };
    private readonly Option<int?> _maxApiCalls = new("--max-api-calls") { Description = "Stop cleanly after this many API calls; the next run continues.", HelpName = "N" };
    private readonly Option<bool> _json = CommandHost.JsonOption("Write the run as one JSON object, the last line of the output; text for people goes to the error stream.");
    private readonly Option<bool> _verbose = CommandHost.VerboseOption();

    private RunCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var run = new RunCommand();
        run._maxApiCalls.Validators.Add(Validate.AtLeast(1));
        run._throttleLimit.Validators.Add(Validate.AtLeast(1, 64));
        var command = new Command("run", "Run a stored job, or a site given by --site-url, once and now.")
        {
            run._job, run._siteUrl, run._clientId, run._secretEnv, run._secretFile, run._name, run._software, run._apiProfile, run._throttleLimit,
            run._store, run._full, run._errorsOnly, run._whatIf, run._maxApiCalls, run._json, run._verbose,
        };
        command.Validators.Add(run.CheckCombination);
        CommandHost.SetAction(command, run._verbose, run._json, run.ExecuteAsync, run.ReportFailure);
        return command;
    }

    private void CheckCombination(CommandResult result)
    {
        var siteOptions = new Option[] { _clientId, _secretEnv, _secretFile, _name, _software, _apiProfile, _throttleLimit };
        var hasJob = result.GetResult(_job) is { Tokens.Count: > 0 };
        if (result.GetValue(_errorsOnly) && result.GetValue(_full))
            result.AddError("--errors-only reads some devices and --full all of them: give one of the two.");

        if (result.GetResult(_siteUrl) is null)
        {
            var given = siteOptions.FirstOrDefault(o => result.GetResult(o) is { Implicit: false });
            if (!hasJob)
                result.AddError("Name a stored job, or a site with --site-url.");
            else if (given is not null)
                result.AddError($"{given.Name} belongs to --site-url; a stored job has its own settings.");

            return;
        }

        if (hasJob)
            result.AddError("Name either a stored job or a site with --site-url, not both.");

        if (result.GetResult(_clientId) is null)
            result.AddError("--site-url needs --client-id.");

        if (result.GetResult(_secretEnv) is null == result.GetResult(_secretFile) is null)
            result.AddError("--site-url needs one of --client-secret-env and --client-secret-file.");
    }

    private async Task<int> ExecuteAsync(CommandInvocation invocation, CancellationToken cancellationToken)
    {
        var (parsed, screen, json) = invocation;
        var siteUrl = parsed.GetValue(_siteUrl);
        SyncJob? unsaved = siteUrl is null ? null : UnsavedJob(parsed, siteUrl);
        using var store = unsaved is null
            ? CommandHost.OpenExistingStore(parsed.GetValue(_store), cancellationToken)
            : AlloyStore.Open(StoreLocation.Resolve(parsed.GetValue(_store)), cancellationToken: cancellationToken);
        var whatIf = parsed.GetValue(_whatIf);
        var request = new SyncRequest
        {
            Job = unsaved ?? store.Jobs.Get(parsed.GetRequiredValue(_job)!),
            Mode = whatIf ? SyncMode.WhatIf : SyncMode.Apply,
            Full = parsed.GetValue(_full),
            ErrorsOnly = parsed.GetValue(_errorsOnly),
            MaxApiCalls = parsed.GetValue(_maxApiCalls),
        };

        // A rehearsal lists every change as it is found; a real run does so only when the story is wanted.
        var lists = whatIf || screen.Verbosity == Verbosity.Verbose;
        var (run, errors) = await RunObserver.ShowAsync(
            screen, lists ? change => screen.Line(Line(change)) : null, lists,
            async observer => (await store.Sync.ExecuteAsync(request, observer, cancellationToken), observer.Errors));

        Show(screen, run, errors, whatIf, store.Location);
        if (whatIf && run.Forecast is { } forecast)
            screen.Line(forecast.Sentence);
        json?.WriteLine(JsonLine.Of(run, whatIf));
        return run.ExitCode;
    }

    /// <summary>Shows how a run ended.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="run">The run.</param>
    /// <param name="errors">Its first errors.</param>
    /// <param name="whatIf">Whether it was a rehearsal.</param>
    /// <param name="location">The store.</param>
    private static void Show(Screen screen, SyncRun run, IReadOnlyList<SyncError> errors, bool whatIf, StoreLocation location)
    {
        screen.Line(whatIf ? $"'{run.Job}' would do this; nothing was written." : $"Run {run.Id} of '{run.Job}' into {location}");
        ShowOutcome(screen, run, errors);
    }

    /// <summary>Says how a run ended, with its counts and its first errors.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="run">The run.</param>
    /// <param name="errors">Its first errors.</param>
    public static void ShowOutcome(Screen screen, SyncRun run, IReadOnlyList<SyncError> errors)
    {
        screen.Line(Words.Outcome(run));
        if (run.Status is not SyncRunStatus.Failed || run.DevicesRead > 0)
            screen.Table(Tables.Counts(run));

        ShowProblems(screen, run, errors);
    }

    private static void ShowProblems(Screen screen, SyncRun run, IReadOnlyList<SyncError> errors)
    {
        if (run.Message is not null)
        {
            if (run.Status is SyncRunStatus.Failed)
                screen.Error(run.Message, null);
            else if (run.Status is SyncRunStatus.Succeeded)
                screen.Line(run.Message);
            else
                screen.Warning(run.Message);
        }

        foreach (var error in errors)
            screen.Warning(error.ToString());

        if (run.Errors > errors.Count && errors.Count > 0)
            screen.Warning(run.Id == 0 ? $"{Words.Number(run.Errors - errors.Count)} more." : $"{Words.Number(run.Errors - errors.Count)} more; they are in the view sync_errors, run_id {run.Id}.");
    }

    private static string Line(SyncChange change)
    {
        var start = $"{Words.Action(change.Action),-8} {change.Class,-8} {change.RecordId ?? "new",-8} {change.DeviceName}";
        var details = Words.Details(change);
        return details.Length == 0 ? start : $"{start}: {details}";
    }

    private SyncJob UnsavedJob(ParseResult parsed, string siteUrl)
    {
        if (!Uri.TryCreate(siteUrl, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp))
        {
            // The text is quoted only when it is a plain wrong address: it might hold a password.
            var quoted = siteUrl.Contains('@', StringComparison.Ordinal) ? "The address" : $"'{siteUrl}'";
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidSiteUrl", $"{quoted} is not the address of a site.", advice: "Give it as https://<instance>/<slug>.");
        }

        if (url.UserInfo.Length > 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "SecretInArgument",
                "The site's address was given with a user name or password in it, which the process list and the history would show.",
                advice: "Give the address alone, with --client-id and --client-secret-env or --client-secret-file.");
        }

        return new SyncJob
        {
            Name = parsed.GetValue(_name) ?? $"{url.Authority}{url.AbsolutePath.TrimEnd('/')}",
            SiteUrl = url,
            ClientId = parsed.GetRequiredValue(_clientId)!,
            ClientSecret = parsed.GetValue(_secretEnv) is { } variable ? SecretReference.FromEnvironment(variable) : SecretFile(parsed.GetRequiredValue(_secretFile)!),
            ImportSoftware = parsed.GetValue(_software),
            ThrottleLimit = parsed.GetValue(_throttleLimit),
            ApiProfile = parsed.GetValue(_apiProfile) is { } file ? ReadProfile(file) : null,
        };
    }

    /// <summary>A bare name that is no file here is looked for in the folder that CREDENTIALS_DIRECTORY names.</summary>
    private static SecretReference SecretFile(string path) =>
        SecretReference.IsBareName(path) && !File.Exists(path) ? SecretReference.FromCredentialsDirectory(path) : SecretReference.FromFile(path);

    private static string ReadProfile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new AlloyScanException(ErrorKind.NotFound, "ApiProfileNotFound", $"The API profile '{path}' cannot be read: {e.Message}", path, "Check that it exists and that this account may read it.", e);
        }
    }

    private static SoftwarePlatforms ParsePlatforms(ArgumentResult result)
    {
        var platforms = SoftwarePlatforms.None;
        var words = result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToList();
        foreach (var word in words)
        {
            switch (word.ToUpperInvariant())
            {
                case "ALL" when words.Count == 1:
                    return SoftwarePlatforms.All;
                case "NONE" when words.Count == 1:
                    return SoftwarePlatforms.None;
                case "WINDOWS":
                    platforms |= SoftwarePlatforms.Windows;
                    break;
                case "LINUX":
                    platforms |= SoftwarePlatforms.Linux;
                    break;
                case "MACOS":
                    platforms |= SoftwarePlatforms.MacOS;
                    break;
                case "ALL" or "NONE":
                    result.AddError($"--software takes '{word}' alone.");
                    return SoftwarePlatforms.None;
                default:
                    result.AddError($"--software does not know the platform '{word}'. It takes all, none, or some of windows, linux and macos with commas between them.");
                    return SoftwarePlatforms.None;
            }
        }

        if (words.Count == 0)
            result.AddError("--software takes all, none, or some of windows, linux and macos with commas between them.");

        return platforms;
    }

    private void ReportFailure(CommandInvocation invocation, int exitCode, string errorId, string message) =>
        invocation.Json?.WriteLine(JsonLine.OfFailure(
            invocation.Parsed.GetValue(_job) ?? invocation.Parsed.GetValue(_name),
            exitCode == ExitCode.Canceled ? SyncRunStatus.Canceled : SyncRunStatus.Failed,
            exitCode, errorId, message));
}
