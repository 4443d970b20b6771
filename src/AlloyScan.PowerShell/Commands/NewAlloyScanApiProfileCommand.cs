using System.Management.Automation;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Site.OpenApi;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Derives an API profile from an instance's own OpenAPI document: where its API has what is read, and what had to be guessed.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanApiProfile", SupportsShouldProcess = true)]
[OutputType(typeof(string), typeof(ApiProfileCheck))]
public sealed class NewAlloyScanApiProfileCommand : AsyncCmdlet
{
    /// <summary>The OpenAPI document, as JSON: path of a file, or an address that begins with https:// on the site's own host. Plain HTTP is taken on the local host only.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string OpenApi { get; set; } = null!;

    /// <summary>Path of the file to write the profile to, for -ApiProfilePath of other cmdlets; each of its locations is emitted then. Without it the profile itself is emitted, as JSON.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Overwrites a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Address of the site that the profile is for. A document at an address has to be on its host; without a site, the document's own host stands for it.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? SiteUrl { get; set; }

    /// <summary>A connection, or its name, whose site the profile is for, in place of -SiteUrl.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public ConnectionReference? Connection { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var site = SiteUrl ?? Connection?.Resolve().SiteUrl;
        var target = Path is null ? null : GetUnresolvedProviderPathFromPSPath(Path);
        var address = Uri.TryCreate(OpenApi, UriKind.Absolute, out var given) && given.Scheme is "http" or "https" ? given : null;
        var source = address is null ? GetUnresolvedProviderPathFromPSPath(OpenApi) : null;
        if (target is not null && !Force && File.Exists(target))
            throw new AlloyScanException(ErrorKind.AlreadyExists, "FileExists", $"The profile was not written: there is a file '{target}' already.", target, "Overwrite it with -Force, or give another path.");

        var text = address is null ? await ReadAsync(source!, cancellationToken).ConfigureAwait(false) : await OpenApiProfile.DownloadAsync(address, site, cancellationToken).ConfigureAwait(false);
        var derived = await OffThread(() => OpenApiProfile.Derive(text, site ?? address), cancellationToken).ConfigureAwait(false);
        Say(derived);
        if (target is null)
        {
            Emit(derived.Profile.ToJson());
            return;
        }

        foreach (var check in derived.Checks)
            Emit(check);
        if (await ConfirmAsync(target, "Write the API profile", cancellationToken).ConfigureAwait(false))
            await WriteAsync(target, derived.Profile.ToJson(), cancellationToken).ConfigureAwait(false);
    }

    private void Say(DerivedApiProfile derived)
    {
        foreach (var check in derived.Checks)
            Tell($"{check.Section}.{check.Field}: {check.Verdict}, {check.Location ?? "not read"}{(check.Detail is null ? string.Empty : $" ({check.Detail})")}");
        foreach (var remark in derived.Remarks)
            Warn(remark);
        var guessed = derived.Checks.Where(c => c.Verdict == LocationVerdict.Guessed).Select(c => $"{c.Section}.{c.Field} ({(c.Location is { Length: > 0 } location ? location : c.Detail)})").ToList();
        if (guessed.Count > 0)
            Warn($"Guessed from names: {string.Join(", ", guessed)}.");
        var missing = derived.Checks.Where(c => c.Verdict is LocationVerdict.Missing or LocationVerdict.NotTested).Select(c => $"{c.Section}.{c.Field}").ToList();
        if (missing.Count > 0)
            Warn($"Not in the document, so that the default stays: {string.Join(", ", missing)}.");
        Tell("Test-AlloyScanApiProfile holds the profile against the site; until it has passed, a job marks nothing missing on its word.");
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            if (new FileInfo(file).Length > OpenApiProfile.MaxBytes)
                throw OpenApiProfile.TooLong();
            return await File.ReadAllTextAsync(file, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(ErrorKind.NotFound, "FileUnreadable", $"The file '{file}' cannot be read: {e.Message}", file, "Check the path and its permissions.", e);
        }
    }

    private static async Task WriteAsync(string file, string json, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(file, json + Environment.NewLine, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(ErrorKind.ResourceUnavailable, "FileUnwritable", $"The file '{file}' cannot be written: {e.Message}", file, "Check the folder and its permissions.", e);
        }
    }
}
