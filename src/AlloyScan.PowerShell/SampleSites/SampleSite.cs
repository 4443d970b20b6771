using System.Diagnostics;
using System.Management.Automation;
using System.Security;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell.SampleSites;

/// <summary>A sample AlloyScan site that runs on this machine, started by Start-AlloyScanSampleSite.</summary>
public sealed class SampleSite : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private readonly Process _process;

    internal SampleSite(Process process, Uri siteUrl, PSCredential credential, int devices, int seed, int day, IReadOnlyList<string> fault)
    {
        _process = process;
        SiteUrl = siteUrl;
        Credential = credential;
        Devices = devices;
        Seed = seed;
        Day = day;
        Fault = fault;
        ProcessId = process.Id;
    }

    /// <summary>The site's address.</summary>
    public Uri SiteUrl { get; }

    /// <summary>Client ID of its app registration.</summary>
    public string ClientId => Credential.UserName;

    /// <summary>Client secret of its app registration.</summary>
    public SecureString ClientSecret => Credential.Password;

    /// <summary>Client ID and secret, as Connect-AlloyScan takes them from the pipeline.</summary>
    public PSCredential Credential { get; }

    /// <summary>Devices of the fleet.</summary>
    public int Devices { get; }

    /// <summary>Number from which the fleet is made.</summary>
    public int Seed { get; }

    /// <summary>Day of the fleet's life that the site started with.</summary>
    public int Day { get; }

    /// <summary>How the site misbehaves.</summary>
    public IReadOnlyList<string> Fault { get; }

    /// <summary>The site's process.</summary>
    public int ProcessId { get; }

    /// <summary>Whether the site is up.</summary>
    public bool IsRunning
    {
        get
        {
            try
            {
                return !_process.HasExited;
            }
            catch (InvalidOperationException)
            {
                // Disposed: stopped by us.
                return false;
            }
        }
    }

    /// <summary>Ends the site: closes its standard input, on which it goes by itself, and kills it if it does not.</summary>
    /// <param name="cancellationToken">Ends the wait; the site is killed then.</param>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!IsRunning)
            return;

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Kills the site if it is still up.</summary>
    public void Dispose()
    {
        if (IsRunning)
            _process.Kill(entireProcessTree: true);

        _process.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => SiteUrl.ToString();

    internal static AlloyScanException CannotStart(string reason, string advice, Exception? cause = null) =>
        new(ErrorKind.ResourceUnavailable, "SampleSiteNotStarted", $"The sample site did not start: {reason}", advice: advice, innerException: cause);
}
