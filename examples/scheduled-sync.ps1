#Requires -Version 7.4
<#
.SYNOPSIS
    Runs one sync job without anybody at the keyboard: for cron, a systemd timer or Task Scheduler.
.DESCRIPTION
    Writes one line of JSON to standard output and ends with the exit codes of the program alloyscan: 0 done, 2 partial, 3 blocked,
    4 failed, 5 canceled. Warnings and errors go to standard error. Asks nothing.
.PARAMETER Job
    Name of the job.
.PARAMETER Store
    The store. Without it the environment variable ALLOYSCAN_STORE decides, else a file in the user's data folder.
.PARAMETER MaxApiCalls
    Most API calls of this run.
.EXAMPLE
    pwsh -NoProfile -NonInteractive -File examples/scheduled-sync.ps1 -Job HQ

    As the line of a scheduler.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Job,

    [string] $Store,

    [ValidateRange(1, [int]::MaxValue)]
    [int] $MaxApiCalls
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# Beside a clone its own build, elsewhere the installed module.
$built = Join-Path $PSScriptRoot '../output/AlloyScan.PowerShell'
Import-Module ((Test-Path $built) ? $built : 'AlloyScan.PowerShell')

$arguments = @{ Name = $Job; Confirm = $false }
if ($Store) { $arguments.Store = $Store }
if ($MaxApiCalls) { $arguments.MaxApiCalls = $MaxApiCalls }

# A run that failed or was canceled is an object as well as an error; one that could not begin is an error only.
$run = Invoke-AlloyScanSync @arguments -ErrorAction SilentlyContinue -ErrorVariable problems -WarningAction SilentlyContinue -WarningVariable warnings
foreach ($line in @($warnings) + @($problems)) {
    [Console]::Error.WriteLine("$line")
}

$problem = $problems | Select-Object -Last 1
[ordered]@{
    job         = $Job
    id          = $run.Id
    status      = $run ? "$($run.Status)" : 'Failed'
    exit_code   = $run ? $run.ExitCode : 4
    started_at  = $run ? $run.StartedAt.UtcDateTime.ToString('yyyy-MM-ddTHH:mm:ssZ') : $null
    ended_at    = $run ? $run.EndedAt.UtcDateTime.ToString('yyyy-MM-ddTHH:mm:ssZ') : $null
    devices     = $run.DevicesRead
    created     = $run.Created
    updated     = $run.Updated
    conflicts   = $run.Conflicts
    missing     = $run.Missing
    errors      = $run.Errors
    api_calls   = $run.ApiCalls
    error_id    = $problem ? $problem.FullyQualifiedErrorId.Split(',')[0] : $null
    message     = $run.Message ? $run.Message : "$problem"
} | ConvertTo-Json -Compress

exit ($run ? $run.ExitCode : 4)
