# What the test files share. They look at output/, never at the sources.

$script:modulePath = Join-Path $PSScriptRoot '../../output/AlloyScan.PowerShell' | Resolve-Path -ErrorAction Ignore | ForEach-Object Path

function Get-BuiltModulePath {
    if (-not $script:modulePath) {
        throw 'There is no built module in output/. Run: dotnet build tools/AlloyScan.ModuleBuilder'
    }

    # The newest version's own folder, so that old ones beside it do not matter.
    Get-ChildItem $script:modulePath -Directory | Sort-Object { [version]$_.Name } | Select-Object -Last 1 -ExpandProperty FullName
}

function Import-BuiltModule {
    Import-Module (Join-Path (Get-BuiltModulePath) 'AlloyScan.PowerShell.psd1') -Global
}

# Runs a script in a pwsh of its own and returns its output and errors as lines.
function Invoke-Pwsh {
    param([Parameter(Mandatory)] [string] $Script)

    # pwsh says nothing of a parse error in an encoded command.
    $null = [scriptblock]::Create($Script)
    $encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes("`$PSStyle.OutputRendering = 'PlainText'; `$ProgressPreference = 'SilentlyContinue'; `$module = '$(Get-BuiltModulePath)/AlloyScan.PowerShell.psd1'; $Script"))
    & ([Environment]::ProcessPath) -NoProfile -NonInteractive -EncodedCommand $encoded 2>&1 | ForEach-Object { "$_" -replace '\e\[[\d;]*m' }
}

# The one error of a script, terminating or not.
function Get-ErrorOf {
    param([Parameter(Mandatory)] [scriptblock] $Script)

    $errors = $null
    try {
        & $Script -ErrorVariable errors 2>&1 | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }
    }
    catch {
        $_
    }
}

# The ID of an error without the name of its cmdlet.
function Get-ErrorId {
    param([Parameter(Mandatory)] [scriptblock] $Script)

    Get-ErrorOf $Script | ForEach-Object { $_.FullyQualifiedErrorId.Split(',')[0] }
}

# What a person does in AlloyScan, not through the module.
function Hide-SampleDevice {
    param($Site, [string] $DeviceId)

    $secret = [System.Net.NetworkCredential]::new('', $Site.Credential.Password).Password
    $form = @{ grant_type = 'client_credentials'; client_id = $Site.Credential.UserName; client_secret = $secret }
    $token = (Invoke-RestMethod "$($Site.SiteUrl)api/oauth/token" -Method Post -Body $form).access_token
    Invoke-RestMethod "$($Site.SiteUrl)api/v1/devices/$DeviceId" -Method Delete -Headers @{ Authorization = "Bearer $token" }
}

# Starts a script in a runspace of its own, stops it after a while as Ctrl+C does, and says how that went.
function Invoke-AndStop {
    param(
        [Parameter(Mandatory)] [string] $Script,
        [Parameter(Mandatory)] [timespan] $After,
        [object[]] $ArgumentList = @()
    )

    $shell = [powershell]::Create()
    try {
        $null = $shell.AddScript("Import-Module '$(Get-BuiltModulePath)/AlloyScan.PowerShell.psd1'").Invoke()
        $shell.Commands.Clear()
        $null = $shell.AddScript($Script)
        foreach ($argument in $ArgumentList) {
            $null = $shell.AddArgument($argument)
        }

        $output = [System.Management.Automation.PSDataCollection[psobject]]::new()
        $running = $shell.BeginInvoke([System.Management.Automation.PSDataCollection[psobject]]::new(), $output)
        Start-Sleep -Duration $After
        $wasRunning = -not $running.IsCompleted
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        [pscustomobject]@{
            WasRunning = $wasRunning
            Elapsed    = $watch.Elapsed
            State      = $shell.InvocationStateInfo.State
            Output     = @($output)
            Errors     = @($shell.Streams.Error)
        }
    }
    finally {
        $shell.Dispose()
    }
}

Export-ModuleMember -Function Get-BuiltModulePath, Import-BuiltModule, Invoke-Pwsh, Get-ErrorOf, Get-ErrorId, Hide-SampleDevice, Invoke-AndStop
