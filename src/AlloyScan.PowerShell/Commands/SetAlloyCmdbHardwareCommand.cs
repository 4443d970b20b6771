using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Edits hardware of the CMDB by hand. Only the named fields change.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyCmdbHardware", SupportsShouldProcess = true)]
[OutputType(typeof(HardwareItem))]
public sealed class SetAlloyCmdbHardwareCommand : RecordEditCmdlet
{
    /// <summary>New kind of hardware, for example Printer; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? Type { get; set; }

    private protected override RecordClass RecordClass => RecordClass.Hardware;

    private protected override IEnumerable<string> FieldParameters => [.. base.FieldParameters, nameof(Type)];

    private protected override ConfigurationItem? Find(CmdbRepository cmdb, string id) => cmdb.Hardware(new RecordFilter { Id = id }).FirstOrDefault();
}
