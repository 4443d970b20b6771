using System.Management.Automation;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Writes sync jobs as JSON, with the service actions, custom fields, identification rules and junk identifiers that they use, and never with a secret.</summary>
[Cmdlet(VerbsData.Export, "AlloyScanSyncJob", SupportsShouldProcess = true)]
[OutputType(typeof(string), typeof(FileInfo))]
public sealed class ExportAlloyScanSyncJobCommand : StoreCmdlet
{
    /// <summary>Names of the jobs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Path of the file to write, or of a folder, which gets a file for each job. Without it the JSON is emitted as text.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Overwrites a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Emits the files that were written.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private readonly HashSet<string> _written = new(StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var path = Path is null ? null : GetUnresolvedProviderPathFromPSPath(Path);
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var json = await OffThread(() => store.Jobs.Export(name), cancellationToken).ConfigureAwait(false);
            if (path is null)
            {
                Emit(json);
                return;
            }

            var file = Directory.Exists(path) ? System.IO.Path.Combine(path, FileName(name)) : path;
            // Two jobs of one call in one file would leave the second alone, with and without -Force.
            if (_written.Contains(file) || (!Force && File.Exists(file)))
                throw new AlloyScanException(ErrorKind.AlreadyExists, "FileExists", $"The job '{name}' was not written: there is a file '{file}' already.", file, _written.Contains(file) ? "Give a folder as -Path to export several jobs." : "Overwrite it with -Force, or give another path.");
            if (!await ConfirmAsync(file, $"Export the sync job '{name}'", cancellationToken).ConfigureAwait(false))
                return;

            await WriteAsync(file, json, cancellationToken).ConfigureAwait(false);
            _written.Add(file);
            if (PassThru)
                Emit(new FileInfo(file));
        }).ConfigureAwait(false);
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

    private static string FileName(string job)
    {
        // The characters that Windows refuses, everywhere, so that files travel.
        var name = string.Concat(job.Select(static c => c < ' ' || "<>:\"/\\|?*".Contains(c, StringComparison.Ordinal) ? '_' : c)).TrimEnd('.', ' ');
        return name + ".json";
    }

    /// <summary>A file that cannot be written is a matter of that file.</summary>
    private protected override bool IsFatal(AlloyScanException exception) => exception.ErrorId != "FileUnwritable" && base.IsFatal(exception);
}
