using System.Management.Automation;
using AlloyScan.Engine.Credentials;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the app registrations of the store, with how long each is good for and which jobs use it.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanAppRegistration")]
[OutputType(typeof(AppRegistration))]
public sealed class GetAlloyScanAppRegistrationCommand : StoreCmdlet
{
    /// <summary>Names, with wildcards. Without them all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name ?? ["*"], async name =>
        {
            // A name without wildcards that is not there is a mistake; a pattern that fits none is not.
            if (!WildcardPattern.ContainsWildcardCharacters(name))
                EmitFrom(store, await OffThread(() => store.AppRegistrations.Get(name), cancellationToken).ConfigureAwait(false));
            else
                await EmitAllAsync(store, store.AppRegistrations.List(name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
