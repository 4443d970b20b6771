#Requires -Version 7.4
<#
.SYNOPSIS
    Runs the Pester tests against the module in output/. Exit code 0 only if tests ran and none failed.
.EXAMPLE
    ./tests/pester/Invoke-Tests.ps1 -Path Sync.Tests.ps1
#>
[CmdletBinding()]
param(
    # Files to run; all by default.
    [string[]] $Path = '*.Tests.ps1',

    [ValidateSet('None', 'Normal', 'Detailed', 'Diagnostic')]
    [string] $Output = 'Normal'
)

$ErrorActionPreference = 'Stop'

if (-not (Get-Module -ListAvailable Pester | Where-Object Version -ge '5.0')) {
    Write-Host 'Pester: not run, Pester 5 is not installed. Install-PSResource Pester'
    exit 1
}

# Escape sequences have no place in a test report.
$PSStyle.OutputRendering = 'PlainText'
Import-Module Pester -MinimumVersion 5.0
$configuration = New-PesterConfiguration
$configuration.Run.Path = @($Path | ForEach-Object { Join-Path $PSScriptRoot $_ })
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = $Output
$configuration.TestResult.Enabled = $true
$configuration.TestResult.OutputPath = Join-Path $PSScriptRoot '../../TestResults/pester.xml'
$result = Invoke-Pester -Configuration $configuration

foreach ($skipped in $result.Skipped) {
    Write-Host "Skipped: $($skipped.ExpandedPath): $($skipped.ErrorRecord)"
}

Write-Host "Pester: $($result.PassedCount) passed, $($result.FailedCount) failed, $($result.SkippedCount) skipped"
exit [int]($result.Result -ne 'Passed' -or $result.PassedCount -eq 0)
