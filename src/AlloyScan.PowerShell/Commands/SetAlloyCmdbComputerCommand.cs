using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Edits computers of the CMDB by hand. Only the named fields change.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyCmdbComputer", SupportsShouldProcess = true)]
[OutputType(typeof(Computer))]
public sealed class SetAlloyCmdbComputerCommand : RecordEditCmdlet
{
    /// <summary>New SMBIOS UUID; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? BiosUuid { get; set; }

    /// <summary>New operating system family; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? OsPlatform { get; set; }

    /// <summary>New operating system; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? OsName { get; set; }

    /// <summary>New operating system version; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? OsVersion { get; set; }

    /// <summary>New processor; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? Cpu { get; set; }

    /// <summary>New size of memory in bytes, for example 16GB; null empties the field.</summary>
    [Parameter]
    [AllowNull]
    public long? MemoryBytes { get; set; }

    /// <summary>New user; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? UserName { get; set; }

    private protected override RecordClass RecordClass => RecordClass.Computer;

    private protected override IEnumerable<string> FieldParameters =>
        [.. base.FieldParameters, nameof(BiosUuid), nameof(OsPlatform), nameof(OsName), nameof(OsVersion), nameof(Cpu), nameof(MemoryBytes), nameof(UserName)];

    private protected override ConfigurationItem? Find(CmdbRepository cmdb, string id) => cmdb.Computers(new RecordFilter { Id = id }).FirstOrDefault();
}
