#Requires -Version 7.4
<#
.SYNOPSIS
    Synchronises many sites, one after the other, and ends with a table: for whoever looks after the networks of others.
.DESCRIPTION
    Reads a CSV file with the columns Name, SiteUrl, ClientId and SecretVariable, the last being the name of the environment variable
    that holds the client secret. Each site has a job of its own, made when it is not there yet. A site that fails does not
    keep the others from their turn. Emits one object a site; the exit code is the gravest of all.
.PARAMETER Path
    The CSV file.
.PARAMETER Store
    The store. Without it the environment variable ALLOYSCAN_STORE decides, else a file in the user's data folder.
.PARAMETER SummaryPath
    CSV file for the table.
.EXAMPLE
    ./examples/managed-service.ps1 sites.csv -SummaryPath summary.csv | Format-Table

    Runs all sites and shows how each ended.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    [string] $Store,

    [string] $SummaryPath
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$built = Join-Path $PSScriptRoot '../output/AlloyScan.PowerShell'
Import-Module ((Test-Path $built) ? $built : 'AlloyScan.PowerShell')

$where = $Store ? @{ Store = $Store } : @{}
$known = @(Get-AlloyScanSyncJob @where).Name
# A store takes one run at a time, so the sites go in turn.
$summary = foreach ($site in Import-Csv -LiteralPath $Path) {
    $run = $null
    $problem = $null
    try {
        if ($site.Name -notin $known) {
            $null = New-AlloyScanSyncJob $site.Name -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretVariable $site.SecretVariable -Confirm:$false @where
        }

        $run = Invoke-AlloyScanSync $site.Name -Confirm:$false @where -ErrorAction SilentlyContinue -ErrorVariable problem -WarningAction SilentlyContinue
    }
    catch {
        $problem = $_
    }

    [pscustomobject]@{
        Site      = $site.Name
        Status    = $run ? "$($run.Status)" : 'Failed'
        Created   = $run.Created
        Updated   = $run.Updated
        Conflicts = $run.Conflicts
        Missing   = $run.Missing
        Errors    = $run.Errors
        ApiCalls  = $run.ApiCalls
        ExitCode  = $run ? $run.ExitCode : 4
        Message   = $run.Message ? $run.Message : "$($problem | Select-Object -Last 1)"
    }
}

$summary
if ($SummaryPath) { $summary | Export-Csv -LiteralPath $SummaryPath }

# Failed is graver than blocked, and that graver than partial.
$gravest = @(0, 2, 5, 3, 4) | Where-Object { $_ -in @($summary).ExitCode } | Select-Object -Last 1
exit ($gravest ?? 0)
