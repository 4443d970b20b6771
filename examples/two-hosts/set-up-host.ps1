#Requires -Version 7.4
<#
.SYNOPSIS
    Lets one of several hosts run the jobs of a shared PostgreSQL store: the same on each host.
.DESCRIPTION
    Tries whether the store can be reached with what the service will have, and registers the Automation Server as a service of
    the machine. With -WhatIf it shows the unit and the commands.
.PARAMETER EnvironmentFile
    File with ALLOYSCAN_STORE, and PGPASSFILE or PGPASSWORD, that only the account of the service may read.
.PARAMETER Path
    The program alloyscan.
.PARAMETER User
    Account of the service.
.EXAMPLE
    ./set-up-host.ps1 -Path /opt/alloyscan/alloyscan -WhatIf

    Shows what would be set up.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [string] $EnvironmentFile = '/etc/alloyscan/environment',

    [string] $Path = '/opt/alloyscan/alloyscan',

    [string] $User = 'alloyscan'
)

$ErrorActionPreference = 'Stop'
$built = Join-Path $PSScriptRoot '../../output/AlloyScan.PowerShell'
Import-Module ((Test-Path $built) ? $built : 'AlloyScan.PowerShell')

# The store with the eyes of the service: a wrong password is found here and not at night.
$former = @{}
foreach ($line in Get-Content -LiteralPath $EnvironmentFile | Where-Object { $_ -match '^\w+=' }) {
    $name, $value = $line -split '=', 2
    $former[$name] = [Environment]::GetEnvironmentVariable($name)
    [Environment]::SetEnvironmentVariable($name, $value)
}

try {
    $jobs = @(Get-AlloyScanSyncJob)
    "The store has $($jobs.Count) jobs: $($jobs.Name -join ', ')"
}
finally {
    foreach ($name in $former.Keys) { [Environment]::SetEnvironmentVariable($name, $former[$name]) }
}

# The store's address stays in the environment file, and so out of the unit.
Register-AlloyScanAutomation -Scope System -User $User -Path $Path -EnvironmentFile $EnvironmentFile -Start
