using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads hardware of the CMDB: printers, network gear and other devices.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyCmdbHardware", DefaultParameterSetName = FilterSet)]
[OutputType(typeof(HardwareItem))]
public sealed class GetAlloyCmdbHardwareCommand : RecordCmdlet<HardwareItem>
{
    private protected override string ClassName => "hardware";

    private protected override IEnumerable<HardwareItem> Query(CmdbRepository cmdb, RecordFilter filter) => cmdb.Hardware(filter);
}
