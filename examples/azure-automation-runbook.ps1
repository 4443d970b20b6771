#Requires -Version 7.4
<#
.SYNOPSIS
    A runbook in the style of Azure Automation: site, credential and store come from assets, nothing from the sandbox's disk.
.DESCRIPTION
    The credential asset holds client ID and client secret of the app registration, the encrypted variable holds the store:
    the connection string of a PostgreSQL database, since what a sandbox writes to its disk is gone with it. The job is made
    when it is not there yet. It keeps the name of an environment variable in place of the secret, which only this process has.

    Emits the run. Ends as failed when the run failed or was blocked by the guard, so that the alerts of the account see it.
.PARAMETER SiteUrl
    Address of the AlloyScan site.
.PARAMETER JobName
    Name of the sync job.
.PARAMETER RegistrationAsset
    Name of the credential asset.
.PARAMETER StoreAsset
    Name of the encrypted variable that holds the store.
.EXAMPLE
    ./azure-automation-runbook.ps1 -SiteUrl https://eu.alloyservice.com/hq -JobName HQ

    As the start of the runbook.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [uri] $SiteUrl,

    [Parameter(Mandatory)]
    [string] $JobName,

    [string] $RegistrationAsset = 'AlloyScan',

    [string] $StoreAsset = 'AlloyScanStore'
)

$ErrorActionPreference = 'Stop'
$built = Join-Path $PSScriptRoot '../output/AlloyScan.PowerShell'
Import-Module ((Test-Path $built) ? $built : 'AlloyScan.PowerShell')

$credential = Get-AutomationPSCredential -Name $RegistrationAsset
if (-not $credential) { throw "There is no credential asset '$RegistrationAsset'." }

# From the environment the store may hold a password; as an argument it may not.
$env:ALLOYSCAN_STORE = Get-AutomationVariable -Name $StoreAsset
$env:ALLOYSCAN_RUNBOOK_SECRET = $credential.GetNetworkCredential().Password
try {
    if (-not (Get-AlloyScanSyncJob | Where-Object Name -EQ $JobName)) {
        $null = New-AlloyScanSyncJob $JobName -SiteUrl $SiteUrl -ClientId $credential.UserName -ClientSecretVariable ALLOYSCAN_RUNBOOK_SECRET -Confirm:$false
    }

    $run = Invoke-AlloyScanSync $JobName -Confirm:$false -ErrorAction Continue
    $run
    if (-not $run -or $run.Status -in 'Failed', 'Blocked') {
        throw "The sync of '$JobName' ended as $($run ? $run.Status : 'Failed'). $($run.Message)"
    }
}
finally {
    Remove-Item Env:ALLOYSCAN_RUNBOOK_SECRET, Env:ALLOYSCAN_STORE -ErrorAction Ignore
}
