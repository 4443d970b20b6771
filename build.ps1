#Requires -Version 7.4
<#
.SYNOPSIS
    Builds, shows, tests and packs AlloyScan.PowerShell. Each task only calls dotnet, which does the same without PowerShell.
.EXAMPLE
    ./build.ps1
    Builds everything and lays the module out in output/AlloyScan.PowerShell.
.EXAMPLE
    ./build.ps1 -Task Test, Pester
    Runs the xUnit tests and, against output/, the Pester tests.
#>
[CmdletBinding(PositionalBinding = $false)]
param(
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Demo', 'Test', 'Pester', 'Pack', 'Bench')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # What follows goes to the program of Demo and Bench, for example: ./build.ps1 -Task Demo --devices 100
    [Parameter(ValueFromRemainingArguments)]
    [string[]] $ArgumentList = @()
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Push-Location -LiteralPath $PSScriptRoot
try {
    switch ($Task) {
        'Build' { dotnet build AlloyScan.PowerShell.sln --configuration $Configuration }
        'Demo' { dotnet run --project src/AlloyScan.AutomationServer --configuration $Configuration -- demo @ArgumentList }
        'Test' { dotnet test AlloyScan.PowerShell.sln --configuration $Configuration }
        'Pester' {
            # Builds the module too; the package is one of the things tested.
            dotnet pack tools/AlloyScan.ModuleBuilder --configuration $Configuration
            # A process of its own: an imported module keeps its files open, and the next build must replace them.
            & ([Environment]::ProcessPath) -NoProfile -File tests/pester/Invoke-Tests.ps1
        }
        'Pack' { dotnet pack tools/AlloyScan.ModuleBuilder --configuration $Configuration }
        'Bench' { dotnet run --project tests/AlloyScan.Benchmarks --configuration Release -- @ArgumentList }
    }
}
finally {
    Pop-Location
}
