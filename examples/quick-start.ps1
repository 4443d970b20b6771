#Requires -Version 7.4
<#
.SYNOPSIS
    Synchronises a sample AlloyScan site into a CMDB, step by step. Runs from a fresh clone.
.DESCRIPTION
    Builds the module if output/ is missing, starts a sample site on this machine, and does what an administrator does
    with a real one: connect, look, make a job, rehearse, run, look again, run again, verify. All it writes is one
    SQLite file.
.PARAMETER Devices
    Devices of the sample site.
.PARAMETER Store
    The SQLite file. A new one in the temporary folder by default.
.EXAMPLE
    ./examples/quick-start.ps1
#>
[CmdletBinding()]
param(
    [ValidateRange(1, 100000)]
    [int] $Devices = 200,

    [string] $Store = (Join-Path ([IO.Path]::GetTempPath()) "alloyscan-quick-start-$(Get-Date -Format yyyyMMdd-HHmmss).db")
)

$ErrorActionPreference = 'Stop'

function Write-Step([string] $Text) {
    Write-Host ''
    Write-Host "--- $Text" -ForegroundColor Cyan
}

$root = Split-Path $PSScriptRoot
$module = Join-Path $root 'output/AlloyScan.PowerShell'
if (-not (Test-Path $module)) {
    Write-Step 'Build the module (once)'
    dotnet build (Join-Path $root 'tools/AlloyScan.ModuleBuilder') --configuration Release --verbosity quiet
    if ($LASTEXITCODE -ne 0) { throw 'The build failed.' }
}

Import-Module $module

# Every cmdlet below uses this store, because none is told another one.
$formerStore = $env:ALLOYSCAN_STORE
$env:ALLOYSCAN_STORE = $Store

try {
    Write-Step 'Start a sample site and connect to it'
    $site = Start-AlloyScanSampleSite -Devices $Devices
    $site | Connect-AlloyScan | Format-Table

    Write-Step 'Test the connection, step by step'
    Test-AlloyScanConnection -Detailed | Format-Table

    Write-Step 'Look at some devices, and into the audit of one'
    Get-AlloyScanDevice | Select-Object -First 5 | Format-Table
    Get-AlloyScanDevice -Type computer | Select-Object -First 1 | Get-AlloyScanSnapshot | Format-List

    Write-Step 'Make a sync job'
    New-AlloyScanSyncJob HQ | Format-Table

    Write-Step 'Rehearse: what would it do?'
    $plan = Get-AlloyScanSyncPlan HQ
    $plan | Group-Object Action, Class -NoElement | Format-Table
    $plan | Select-Object -First 5 | Format-Table

    Write-Step 'Apply some rows of the plan: the hardware'
    $plan | Where-Object Class -eq Hardware | Invoke-AlloyScanSync | Format-Table

    Write-Step 'Run the job'
    Invoke-AlloyScanSync HQ | Format-Table

    Write-Step 'Look at the CMDB'
    Get-AlloyCmdbComputer | Select-Object -First 5 | Format-Table
    Get-AlloyCmdbHardware | Select-Object -First 3 | Format-Table
    Get-AlloyCmdbSoftwareProduct | Sort-Object Installations -Descending | Select-Object -First 5 | Format-Table

    Write-Step 'Run it again: the site has not changed, so no CI is written'
    Invoke-AlloyScanSync HQ | Format-Table

    Write-Step 'Change a computer by hand, and see the next run repair what the audit knows better'
    $computer = Get-AlloyCmdbComputer | Where-Object SerialNumber | Select-Object -First 1
    $computer | Set-AlloyCmdbComputer -SerialNumber 'TYPO' -AssetTag 'A-1001'
    Invoke-AlloyScanSync HQ | Get-AlloyScanSyncChange | Format-Table

    Write-Step 'Verify: does the CMDB agree with the site?'
    Test-AlloyScanSync HQ | Format-Table -Wrap

    Write-Step 'The history'
    Get-AlloyScanSyncRun HQ | Format-Table
}
finally {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
    $env:ALLOYSCAN_STORE = $formerStore
}

Write-Host ''
Write-Host "The CMDB is in $Store; a look into it: sqlite3 '$Store' 'select name, os_name, serial_number from computers limit 5'"
