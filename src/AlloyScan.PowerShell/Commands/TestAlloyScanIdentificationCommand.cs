using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Explains how a device is identified, rule by rule, or lists what other rules would do over the whole fleet. Changes nothing.</summary>
[Cmdlet(VerbsDiagnostic.Test, "AlloyScanIdentification", DefaultParameterSetName = DeviceSet)]
[OutputType(typeof(IdentificationStep), ParameterSetName = [DeviceSet])]
[OutputType(typeof(IdentificationDifference), ParameterSetName = [RuleSet])]
public sealed class TestAlloyScanIdentificationCommand : StoreCmdlet
{
    private const string DeviceSet = "Device";
    private const string RuleSet = "Rule";

    /// <summary>Devices to explain: their IDs, or names that the store knows. Devices, conflicts, links, CIs and changes can be piped.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
    [Alias("DeviceId", "Id")]
    [ValidateNotNullOrEmpty]
    public string[] Device { get; set; } = null!;

    /// <summary>
    /// Rules to try in place of the stored ones, in their order: rules of Get-AlloyScanIdentificationRule, hashtables with Class, Name, Condition and Action, or text such as
    /// 'Computer: Name matches, SerialNumber matches'. A class of which none is given keeps the stored rules.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = RuleSet)]
    [ValidateNotNullOrEmpty]
    public object[] Rule { get; set; } = null!;

    /// <summary>Name of the job whose site is meant. Not needed where the store has jobs of one site only; rules are tried over all sites.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("JobName")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Job { get; set; }

    /// <summary>Name of the site, instead of a job's name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    public string? Site { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var rules = ParameterSetName == RuleSet ? RuleSets.From(Rule) : [];
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var jobs = await OffThread(() => Jobs(store), cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == RuleSet)
        {
            foreach (var job in jobs)
                await EmitAllAsync(store, store.Sync.RehearseRules(job, rules, cancellationToken), cancellationToken).ConfigureAwait(false);
            return;
        }

        if (jobs.Count > 1)
            throw Errors.JobNeeded(jobs.Select(job => job.Name));

        var explained = await WithSecretAsync(jobs[0], cancellationToken).ConfigureAwait(false);
        await EachAsync(Device, async device =>
        {
            var steps = await OffThread(() => store.Sync.ExplainAsync(new SyncRequest { Job = explained }, device, cancellationToken), cancellationToken).Unwrap().ConfigureAwait(false);
            foreach (var step in steps)
                EmitFrom(store, step);
        }).ConfigureAwait(false);
    }

    /// <summary>The jobs that are meant, one for each site.</summary>
    private List<SyncJob> Jobs(AlloyStore store)
    {
        if (Job is not null)
            return [store.Jobs.Get(Job)];

        var jobs = store.Jobs.List().Where(job => string.IsNullOrEmpty(Site) || string.Equals(job.Site, Site, StringComparison.OrdinalIgnoreCase)).DistinctBy(job => job.Site).ToList();
        return jobs.Count > 0 ? jobs : throw Errors.NoJob(Site);
    }
}
