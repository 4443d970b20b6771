using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets on the software groups of sites. A site is named by itself or by a job of it.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class SoftwareGroupCmdlet : StoreCmdlet
{
    /// <summary>Names of sync jobs whose sites are meant.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Job { get; set; }

    /// <summary>Names of sites, as jobs show them.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[]? Site { get; set; }

    /// <summary>Does the same for each site that the user named, once; one that is not there is reported and the next goes on.</summary>
    private protected async Task<bool> EachSiteAsync(AlloyStore store, Func<string, Task> work, CancellationToken cancellationToken)
    {
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        await EachAsync(Job ?? [], async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
            if (done.Add(job.Site))
                await work(job.Site).ConfigureAwait(false);
        }).ConfigureAwait(false);
        await EachAsync(Site ?? [], async name =>
        {
            if (done.Add(name))
                await work(name).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return Job is not null || Site is not null;
    }
}
