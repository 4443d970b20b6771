#Requires -Version 7.4
<#
.SYNOPSIS
    One step of a pipeline, for GitHub Actions and Azure DevOps: a rehearsal for a proposed change, a run for an accepted one.
.DESCRIPTION
    The job comes from a file that Export-AlloyScanSyncJob wrote and that is kept with the pipeline; its client secret is in the
    environment variable that the file names. Problems become annotations of the pipeline, and the result a table in the summary
    of a GitHub job. pipeline-github.yml and pipeline-azure-devops.yml beside this file use it.
.PARAMETER JobFile
    The exported job.
.PARAMETER Store
    The store. Without it the environment variable ALLOYSCAN_STORE decides.
.PARAMETER Rehearse
    Shows what a run would do and writes nothing to the CMDB.
.EXAMPLE
    ./examples/pipeline-step.ps1 -JobFile hq.json -Rehearse

    For a pull request that changes hq.json.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $JobFile,

    [string] $Store,

    [switch] $Rehearse
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Write-Annotation([ValidateSet('error', 'warning')] [string] $Level, [string] $Text) {
    # Line breaks would end the annotation, and a text of a device must not begin another.
    $line = $Text -replace '[\r\n]+', ' ' -replace '%', '%25'
    if ($env:GITHUB_ACTIONS) { "::${Level}::$line" }
    elseif ($env:TF_BUILD) { "##vso[task.logissue type=$Level]$line" }
    else { "${Level}: $line" }
}

$built = Join-Path $PSScriptRoot '../output/AlloyScan.PowerShell'
Import-Module ((Test-Path $built) ? $built : 'AlloyScan.PowerShell')
$where = $Store ? @{ Store = $Store } : @{}

try {
    $job = Import-AlloyScanSyncJob $JobFile -Force -Confirm:$false @where
    if ($Rehearse) {
        $plan = Get-AlloyScanSyncPlan $job.Name @where -WarningAction SilentlyContinue -WarningVariable warnings
        $lines = $plan | Group-Object Action, Class | ForEach-Object { "| $($_.Name) | $($_.Count) |" }
        $table = @('| change | CIs |', '|---|---|') + @($lines)
        $code = 0
    }
    else {
        $run = Invoke-AlloyScanSync $job.Name -Confirm:$false @where -ErrorAction SilentlyContinue -ErrorVariable problems -WarningAction SilentlyContinue -WarningVariable warnings
        $code = $run ? $run.ExitCode : 4
        $table = @('| run | status | created | updated | conflicts | missing | errors | API calls |', '|---|---|---|---|---|---|---|---|',
            "| $($run.Id) | $($run ? $run.Status : 'Failed') | $($run.Created) | $($run.Updated) | $($run.Conflicts) | $($run.Missing) | $($run.Errors) | $($run.ApiCalls) |")
    }
}
catch {
    Write-Annotation error "$_"
    exit 4
}

foreach ($warning in $warnings) { Write-Annotation warning "$warning" }
foreach ($problem in $problems) { Write-Annotation error "$problem" }
$table
if ($env:GITHUB_STEP_SUMMARY) { $table | Add-Content -LiteralPath $env:GITHUB_STEP_SUMMARY }

# A partial success is for a person to look at, not for the pipeline to fail on.
exit ($code -eq 2 ? 0 : $code)
