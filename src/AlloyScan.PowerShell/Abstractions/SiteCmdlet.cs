using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of cmdlets that read from a site.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class SiteCmdlet : AsyncCmdlet
{
    private AlloyScanConnection? _used;

    /// <summary>
    /// The connection to use, or its name. Without it the current connection is used, the one that Connect-AlloyScan made last.
    /// </summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public virtual ConnectionReference? Connection { get; set; }

    /// <summary>The connection to use for the current record.</summary>
    /// <exception cref="Engine.AlloyScanException">There is none (<c>NotConnected</c>, <c>ConnectionNotFound</c>).</exception>
    private protected AlloyScanConnection ResolveConnection() =>
        _used = Connection is not null ? Connection.Resolve() : ConnectionTable.OfThisRunspace.Current ?? throw Errors.NotConnected();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        // What the cmdlet spent is written down when it ends, since a session may end without a word.
        _used?.Client.Options.Budget?.Settle();
    }

    /// <summary>Emits an object together with the name of its connection, so that it finds its site again down the pipeline.</summary>
    private protected void EmitFrom(AlloyScanConnection connection, object value) => Emit(WithOrigin(connection, value));

    /// <summary>Puts the name of its connection on an object.</summary>
    private protected static PSObject WithOrigin(AlloyScanConnection connection, object value)
    {
        var tagged = PSObject.AsPSObject(value);
        // No look for a property of that name: types that come from a site have none, and devices come in hundreds of thousands.
        tagged.Properties.Add(new PSNoteProperty(nameof(Connection), connection.Name), preValidated: true);
        return tagged;
    }
}
