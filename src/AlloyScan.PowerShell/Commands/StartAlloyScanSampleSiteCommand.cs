using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.SampleSites;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Starts a sample AlloyScan site on this machine, with a made-up fleet, for trying out and for tests. It ends with the session's process.</summary>
[Cmdlet(VerbsLifecycle.Start, "AlloyScanSampleSite", SupportsShouldProcess = true)]
[OutputType(typeof(SampleSite))]
public sealed class StartAlloyScanSampleSiteCommand : AsyncCmdlet
{
    /// <summary>Devices of the fleet.</summary>
    [Parameter(Position = 0)]
    [ValidateRange(0, 10_000_000)]
    public int Devices { get; set; } = 500;

    /// <summary>Number from which the fleet is made; the same number makes the same fleet.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Seed { get; set; } = 1;

    /// <summary>Day of the fleet's life. On later days devices are renamed, upgraded, added and removed.</summary>
    [Parameter]
    [ValidateRange(0, 100_000)]
    public int Day { get; set; }

    /// <summary>Port to listen on. Without it a free one is taken.</summary>
    [Parameter]
    [ValidateRange(0, 65535)]
    public int Port { get; set; }

    /// <summary>Makes machines that are hard to tell apart: serial numbers of whole series, machines installed afresh, second rows, names and network cards that others take over. For trying out conflicts.</summary>
    [Parameter]
    public SwitchParameter Doubtful { get; set; }

    /// <summary>How the site misbehaves, for rehearsing bad days: names such as shaky, html or empty, or faults in full such as ServerError:on=Device,rate=0.1. Several go together.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SampleFaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Fault { get; set; } = [];

    /// <summary>Path under which the site has its API, as sites of other releases have; its document, at /openapi.json, says so. For trying out API profiles.</summary>
    [Parameter]
    [ValidatePattern("^/[A-Za-z0-9._~/-]*[A-Za-z0-9]$")]
    public string? ApiPath { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (!await ConfirmAsync($"{Devices} devices", "Start a sample AlloyScan site on this machine", cancellationToken).ConfigureAwait(false))
            return;

        // Assemblies are in bin/<framework>, the site in samplesite.
        var module = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(GetType().Assembly.Location)!, "..", ".."));
        var site = Path.Combine(module, "samplesite", "AlloyScan.SampleSite.dll");
        Emit(await SampleSiteLauncher.StartAsync(site, new SampleSiteRequest(Devices, Seed, Day, Port, Doubtful, Fault, ApiPath), Tell, cancellationToken).ConfigureAwait(false));
    }
}
