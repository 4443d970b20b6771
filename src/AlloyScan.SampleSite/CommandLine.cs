using System.Globalization;

namespace AlloyScan.SampleSite;

/// <summary>Something on the command line that makes no sense; the message names it.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command line of the sample site as a program.</summary>
internal sealed record CommandLine
{
    public const string SecretVariable = "ALLOYSCAN_SAMPLE_SECRET";

    public static readonly string Help = $"""
        A local AlloyScan site with a made-up fleet. It listens on 127.0.0.1 only.

        Usage: AlloyScan.SampleSite [options]

          --devices N              devices on day 0 (500)
          --seed N                 same seed, same fleet (1)
          --day N                  day that the site shows; each day a part of the fleet changes (0)
          --port N                 port; 0 takes a free one (0)
          --client-id ID           client ID of the app registration (random)
          --slug NAME              slug of the site's URL (none)
          --token-lifetime SECONDS how long a token lives (3600)
          --token-path PATH        path of the token endpoint (/api/oauth/token)
          --api-path PATH          path under which the API is (/api/v1)
          --max-page-size N        most items a page, however many are asked for (200)
          --software N             software rows of a computer, on average (80)
          --junk-rate SHARE        share of devices with worthless identifiers (0.02)
          --duplicate-rate SHARE   share of devices that are second rows of a machine (0)
          --change-rate FACTOR     multiplies what changes in a day (1)
          --last-seen-moves        all devices are seen each day
          --doubtful               machines that are hard to tell apart: junk of 4.5 %, all seen each day, and
                                   over the days re-imaged machines, new boards, second rows, reused names
          --latency MILLISECONDS   extra time of each request (0)
          --rate-limit N           requests a second before 429; 0 for no limit (0)
          --no-retry-after         429 without a Retry-After header
          --gzip                   compress bodies for clients that accept it
          --chunked                send bodies without a Content-Length
          --unknown-fields         add fields that no documentation mentions
          --registration-expired   the app registration has expired
          --registration-disabled  the app registration is switched off
          --fault FAULT            a fault, such as ServerError:on=device,rate=0.05, or "preset NAME"; can be given often
          --fault-plan FILE        faults, one a line
          --access-log FILE        one line a request
          --json                   first line: a JSON object with url, clientId, clientSecret, pid
          --parent-pid N           end when that process is gone
          --stop-on-eof            end when standard input closes
          --help                   this text

        The client secret is taken from the environment variable {SecretVariable}; without it, it is random.
        Faults: {string.Join(", ", Enum.GetNames<FaultKind>())}.
        Keys of a fault: on (any, token, list, device, snapshot, software), after, times, rate, amount, retry (seconds, date, none), sticky.
        Ends on SIGTERM and on Ctrl+C; with --parent-pid, Ctrl+C is the parent's. Exit codes: 0 ended, 1 could not start, 64 bad usage.

        """;

    public SampleSiteOptions Site { get; private set; } = new();

    public bool Json { get; private set; }

    public bool ShowHelp { get; private set; }

    public bool StopOnEndOfInput { get; private set; }

    public int? ParentProcess { get; private set; }

    public static CommandLine Parse(IReadOnlyList<string> arguments, string? secret)
    {
        var line = new CommandLine();
        for (var i = 0; i < arguments.Count; i++)
        {
            var (option, value) = arguments[i].IndexOf('=', StringComparison.Ordinal) is var equals and > 0
                ? (arguments[i][..equals], arguments[i][(equals + 1)..])
                : (arguments[i], (string?)null);
            if (line.TrySwitch(option))
            {
                if (value is not null)
                    throw new UsageException($"{option} takes no value.");

                continue;
            }

            if (!IsKnown(option))
                throw new UsageException($"The option {option} is not known. --help lists all options.");

            value ??= ++i < arguments.Count ? arguments[i] : throw new UsageException($"{option} needs a value.");
            line.Set(option, value);
        }

        if (!string.IsNullOrEmpty(secret))
            line.Site = line.Site with { ClientSecret = secret };

        try
        {
            line.Site.Validate();
        }
        catch (ArgumentException e)
        {
            var message = e.Message.Split(" (Parameter", 2)[0];
            throw new UsageException(e.ParamName is { } name ? message.Replace(name, OptionOf(name), StringComparison.Ordinal) : message);
        }

        return line;
    }

    private bool TrySwitch(string option)
    {
        switch (option)
        {
            case "--help" or "-h" or "-?":
                ShowHelp = true;
                return true;
            case "--json":
                Json = true;
                return true;
            case "--stop-on-eof":
                StopOnEndOfInput = true;
                return true;
            default:
                var changed = option switch
                {
                    "--last-seen-moves" => Site with { LastSeenMoves = true },
                    "--doubtful" => Site.WithDoubts(),
                    "--no-retry-after" => Site with { RetryAfter = false },
                    "--gzip" => Site with { Gzip = true },
                    "--chunked" => Site with { Chunked = true },
                    "--unknown-fields" => Site with { UnknownFields = true },
                    "--registration-expired" => Site with { RegistrationExpired = true },
                    "--registration-disabled" => Site with { RegistrationDisabled = true },
                    _ => null,
                };
                Site = changed ?? Site;
                return changed is not null;
        }
    }

    private static bool IsKnown(string option) => option is "--devices" or "--seed" or "--day" or "--port" or "--client-id" or "--slug" or "--token-lifetime" or "--token-path" or "--api-path"
        or "--max-page-size" or "--software" or "--junk-rate" or "--duplicate-rate" or "--change-rate" or "--latency" or "--rate-limit" or "--fault" or "--fault-plan" or "--access-log" or "--parent-pid";

    private void Set(string option, string value)
    {
        if (option == "--parent-pid")
        {
            ParentProcess = Whole(option, value);
            return;
        }

        Site = option switch
        {
            "--devices" => Site with { Devices = Whole(option, value) },
            "--seed" => Site with { Seed = Whole(option, value) },
            "--day" => Site with { Day = Whole(option, value) },
            "--port" => Site with { Port = Whole(option, value) },
            "--client-id" => Site with { ClientId = value },
            "--slug" => Site with { Slug = value },
            "--token-lifetime" => Site with { TokenLifetime = TimeSpan.FromSeconds(Number(option, value)) },
            "--token-path" => Site with { TokenPath = value },
            "--api-path" => Site with { ApiPath = value },
            "--max-page-size" => Site with { MaxPageSize = Whole(option, value) },
            "--software" => Site with { SoftwarePerComputer = Whole(option, value) },
            "--junk-rate" => Site with { JunkRate = Number(option, value) },
            "--duplicate-rate" => Site with { DuplicateRate = Number(option, value) },
            "--change-rate" => Site with { ChangeRate = Number(option, value) },
            "--latency" => Site with { Latency = TimeSpan.FromMilliseconds(Number(option, value)) },
            "--rate-limit" => Site with { RateLimitPerSecond = Whole(option, value) },
            "--fault" => Site with { Faults = [.. Site.Faults, .. Faults(() => [value])] },
            "--fault-plan" => Site with { Faults = [.. Site.Faults, .. Faults(() => File.ReadLines(value))] },
            _ => Site with { AccessLogPath = value },
        };
    }

    private static IReadOnlyList<Fault> Faults(Func<IEnumerable<string>> lines)
    {
        try
        {
            return FaultPlan.Read(lines());
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }

    private static int Whole(string option, string value) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new UsageException($"{option} takes a whole number, not '{value}'.");

    private static double Number(string option, string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number < 1e9 ? number : throw new UsageException($"{option} takes a number, not '{value}'.");

    private static string OptionOf(string property) => property switch
    {
        nameof(SampleSiteOptions.SoftwarePerComputer) => "--software",
        nameof(SampleSiteOptions.RateLimitPerSecond) => "--rate-limit",
        _ => "--" + string.Concat(property.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString())),
    };
}
