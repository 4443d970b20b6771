using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads computers of the CMDB.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyCmdbComputer", DefaultParameterSetName = FilterSet)]
[OutputType(typeof(Computer))]
public sealed class GetAlloyCmdbComputerCommand : RecordCmdlet<Computer>
{
    private protected override string ClassName => "computer";

    private protected override IEnumerable<Computer> Query(CmdbRepository cmdb, RecordFilter filter) => cmdb.Computers(filter);
}
