BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $first = Start-AlloyScanSampleSite -Devices 40
    $second = Start-AlloyScanSampleSite -Devices 40
    $env:RUNBOOK_FIRST = $first.Credential.GetNetworkCredential().Password
    $env:RUNBOOK_SECOND = $second.Credential.GetNetworkCredential().Password
    $store = Join-Path $TestDrive 'runbook.db'
    $PSDefaultParameterValues = @{ '*-Alloy*:Store' = $store; 'Import-AlloyScanSyncJob:WarningAction' = 'SilentlyContinue' }
    $null = New-AlloyScanSyncJob HQ -SiteUrl $first.SiteUrl -ClientId $first.Credential.UserName -ClientSecretVariable RUNBOOK_FIRST
    $null = Invoke-AlloyScanSync HQ
    $null = New-AlloyScanSyncJob Second -SiteUrl $second.SiteUrl -ClientId $second.Credential.UserName -ClientSecretVariable RUNBOOK_SECOND -IdentificationSite (Get-AlloyScanSyncJob HQ).Site
    $null = Invoke-AlloyScanSync Second 3> $null

    # One link that a person made and may split, and many conflicts that are open.
    $conflict = Get-AlloyScanConflict -Class Computer | Where-Object { $_.Candidates.Count -eq 1 } | Select-Object -First 1
    $null = Hide-SampleDevice $first (Get-AlloyScanLink -RecordId $conflict.Candidates[0] -State Live).DeviceId
    $null = Invoke-AlloyScanSync HQ
    $conflict | Resolve-AlloyScanConflict -Link $conflict.Candidates[0]
    Get-AlloyScanConflict -Class Computer | Select-Object -First 1 | Resolve-AlloyScanConflict -Create

    $null = Add-AlloyScanAppRegistration Reg https://reg.example/x -ClientId c -ClientSecretVariable X
    $null = New-AlloyScanNotification ops -UriVariable X -On Failure
    $null = New-AlloyCmdbField cost Computer
    $own = Get-AlloyScanServiceAction 2944 | New-AlloyScanServiceAction Own
    Set-AlloyScanServiceAction 2946 -NewName Edited
    $null = New-AlloyScanIdentificationRule Tag -Class Computer -Condition 'AssetTag matches'
    $null = New-AlloyScanIdentificationRule Spare -Class Hardware -Condition 'AssetTag matches'
    $null = Add-AlloyScanJunkIdentifier SerialNumber OURJUNK
    Export-AlloyScanSyncJob HQ $TestDrive/HQ.json

    # What the guard of HQ holds back.
    Set-AlloyScanSyncJob HQ -GuardLimit @{ Update = '2, 1 %' }
    Get-AlloyCmdbComputer | Where-Object OsPlatform -EQ Windows | Select-Object -First 6 | ForEach-Object { Set-AlloyCmdbComputer $_.Id -Name "EDITED-$($_.Id)" }
    $null = Invoke-AlloyScanSync HQ 3> $null
    $computer = (Get-AlloyCmdbComputer | Where-Object Name -NotLike 'EDITED-*')[0].Id
    $hardware = (Get-AlloyCmdbHardware)[0].Id
    $open = (Get-AlloyScanConflict -State Open)[0].Id

    # Each cmdlet that changes something, on what is there, in an order in which each can be done.
    $steps = [ordered]@{
        'Approve-AlloyScanSyncPlan'          = { Approve-AlloyScanSyncPlan HQ }
        'Undo-AlloyScanSync'                 = { Undo-AlloyScanSync Second }
        'Enable-AlloyScanSyncJob'            = { Enable-AlloyScanSyncJob Second2, HQ }
        'Invoke-AlloyScanSync'               = { Invoke-AlloyScanSync Second }
        'Resolve-AlloyScanConflict'          = { Resolve-AlloyScanConflict $open -Ignore }
        'Split-AlloyScanLink'                = { Split-AlloyScanLink $device -Site $site }
        'Set-AlloyScanStore'                 = { Set-AlloyScanStore -KeepRunDays 90 }
        'Add-AlloyScanAppRegistration'       = { Add-AlloyScanAppRegistration New https://new.example/x -ClientId c -ClientSecretVariable X }
        'Set-AlloyScanAppRegistration'       = { Set-AlloyScanAppRegistration Reg -MonthlyBudget 500 }
        'Remove-AlloyScanAppRegistration'    = { Remove-AlloyScanAppRegistration Reg }
        'Set-AlloyScanNotification'          = { Set-AlloyScanNotification ops -On Block }
        'Remove-AlloyScanNotification'       = { Remove-AlloyScanNotification ops }
        'New-AlloyScanNotification'          = { New-AlloyScanNotification more -UriVariable X }
        'New-AlloyCmdbField'                 = { New-AlloyCmdbField room Computer }
        'Remove-AlloyCmdbField'              = { Remove-AlloyCmdbField cost Computer }
        'Set-AlloyCmdbComputer'              = { Set-AlloyCmdbComputer $computer -AssetTag T-1 }
        'Set-AlloyCmdbHardware'              = { Set-AlloyCmdbHardware $hardware -AssetTag T-2 }
        'Set-AlloyScanServiceAction'         = { Set-AlloyScanServiceAction $own -NewName Mine }
        'Reset-AlloyScanServiceAction'       = { Reset-AlloyScanServiceAction 2946 }
        'Remove-AlloyScanServiceAction'      = { Remove-AlloyScanServiceAction $own }
        'New-AlloyScanServiceAction'         = { New-AlloyScanServiceAction Another -Class Computer -Kind Update -Mapping 'name = name' }
        'Set-AlloyScanIdentificationRule'    = { Set-AlloyScanIdentificationRule Tag -Class Computer -NewName Label }
        'New-AlloyScanIdentificationRule'    = { New-AlloyScanIdentificationRule Two -Class Hardware -Condition 'AssetTag matches' }
        'Remove-AlloyScanIdentificationRule' = { Remove-AlloyScanIdentificationRule Spare }
        'Reset-AlloyScanIdentificationRule'  = { Reset-AlloyScanIdentificationRule Computer }
        'Add-AlloyScanJunkIdentifier'        = { Add-AlloyScanJunkIdentifier SerialNumber MORE }
        'Remove-AlloyScanJunkIdentifier'     = { Remove-AlloyScanJunkIdentifier SerialNumber OURJUNK }
        'Set-AlloyScanSoftwareGroup'         = { Set-AlloyScanSoftwareGroup Regular $false -Job HQ }
        'New-AlloyScanSyncJob'               = { New-AlloyScanSyncJob More -SiteUrl https://more.example/x -ClientId c -ClientSecretVariable X }
        'Set-AlloyScanSyncJob'               = { Set-AlloyScanSyncJob HQ -ThrottleLimit 3 }
        'Copy-AlloyScanSyncJob'              = { Copy-AlloyScanSyncJob HQ HQ2 }
        'Disable-AlloyScanSyncJob'           = { Disable-AlloyScanSyncJob HQ }
        'Export-AlloyScanSyncJob'            = { Export-AlloyScanSyncJob HQ "$folder/out.json" -Force }
        'Import-AlloyScanSyncJob'            = { Import-AlloyScanSyncJob "$folder/HQ.json" -Name HQ3 -Force }
        'Remove-AlloyScanSyncJob'            = { Remove-AlloyScanSyncJob Second2 }
        'New-AlloyScanApiProfile'            = { New-AlloyScanApiProfile $document "$folder/profile.json" -Force }
        'Start-AlloyScanSampleSite'          = { Start-AlloyScanSampleSite 5 }
        'Stop-AlloyScanSampleSite'           = { Stop-AlloyScanSampleSite (Start-AlloyScanSampleSite 5 -Confirm:$false) }
        'Register-AlloyScanAutomation'       = { Register-AlloyScanAutomation runbook -Path $program -Scope User -NoCommand }
        'Unregister-AlloyScanAutomation'     = { $null = Register-AlloyScanAutomation gone -Path $program -Scope User -NoCommand -Confirm:$false; Unregister-AlloyScanAutomation gone -Scope User -NoCommand }
    }
    $null = New-AlloyScanSyncJob Second2 -SiteUrl https://two.example/x -ClientId c -ClientSecretVariable X -Disabled
    $document = Join-Path $TestDrive 'openapi.json'
    Invoke-WebRequest "$($first.SiteUrl)openapi.json" -OutFile $document
    $program = Join-Path $TestDrive 'alloyscan'
    Set-Content $program "#!/bin/sh`nexit 0"
    if (-not $IsWindows) {
        chmod +x $program
    }

    $values = @{
        module = "$(Get-BuiltModulePath)/AlloyScan.PowerShell.psd1"; folder = "$TestDrive"; open = $open; device = $conflict.DeviceId; site = (Get-AlloyScanSyncJob Second).Site; computer = $computer; hardware = $hardware
        own = $own.Id; document = $document; program = $program
    }

    # Runs all steps in one pwsh that nobody sits at: no terminal, standard input closed. Gives an object a step.
    function Invoke-Step {
        param([string] $Name, [string] $Preference, [string] $Default)

        $copy = Join-Path $TestDrive "$Name.db"
        Copy-Item $store $copy
        $lines = @(
            '$ErrorActionPreference = "Stop"; $ProgressPreference = "SilentlyContinue"; $WarningPreference = "SilentlyContinue"; $PSStyle.OutputRendering = "PlainText"'
            ($values.GetEnumerator() | ForEach-Object { "`$$($_.Key) = '$($_.Value)'" })
            'Import-Module $module'
            "`$env:ALLOYSCAN_STORE = '$copy'; `$env:XDG_CONFIG_HOME = '$TestDrive/config-$Name'; `$ConfirmPreference = '$Preference'; $Default"
            ($steps.GetEnumerator() | Where-Object { $IsLinux -or $_.Key -notlike '*Automation' } | ForEach-Object {
                "try { `$null = & {$($_.Value)}; `$id = '' } catch { `$id = `$_.FullyQualifiedErrorId + ': ' + `$_ }; [Console]::Out.WriteLine('$($_.Key)|' + (`$id -replace '\s+', ' '))"
            })
        ) | ForEach-Object { $_ }
        $file = Join-Path $TestDrive "$Name.ps1"
        Set-Content $file $lines
        $start = [System.Diagnostics.ProcessStartInfo]::new([Environment]::ProcessPath)
        '-NoProfile', '-NonInteractive', '-File', $file | ForEach-Object { $start.ArgumentList.Add($_) }
        $start.RedirectStandardOutput = $start.RedirectStandardError = $start.RedirectStandardInput = $true
        $process = [System.Diagnostics.Process]::Start($start)
        $process.StandardInput.Close()
        $errors = $process.StandardError.ReadToEndAsync()
        $output = $process.StandardOutput.ReadToEndAsync()
        $process.WaitForExit(180000) | Should -BeTrue -Because 'nothing may wait for an answer'
        $results = $output.Result -split '\r?\n' -match '\|' | ForEach-Object { [pscustomobject]@{ Cmdlet = $_.Split('|')[0]; Failure = $_.Substring($_.IndexOf('|') + 1) } }
        $results.Count | Should -BeGreaterThan 30 -Because $errors.Result
        $results
    }

    # What is in the store, as far as the steps may change it.
    function Get-StoredState {
        param([string] $Path)

        Get-AlloyScanSyncJob -Store $Path | Select-Object Name, Enabled, ThrottleLimit | ConvertTo-Json
        Get-AlloyCmdbComputer -Store $Path | Select-Object Id, Name, AssetTag, UpdatedAt | ConvertTo-Json
        Get-AlloyScanConflict -State Open, Ignored -Store $Path | Select-Object Id, State | ConvertTo-Json
        (Get-AlloyScanSyncRun -Store $Path).Count
        Get-AlloyScanServiceAction -Store $Path | Select-Object Id, Name | ConvertTo-Json
        Get-AlloyScanIdentificationRule -Store $Path | Select-Object Class, Position, Name | ConvertTo-Json
        (Get-AlloyScanAppRegistration -Store $Path).Name
        (Get-AlloyScanNotification -Store $Path).Name
        (Get-AlloyCmdbField -Custom -Store $Path).Name
    }
}

AfterAll {
    Remove-Item Env:RUNBOOK_FIRST, Env:RUNBOOK_SECOND -ErrorAction Ignore
    Stop-AlloyScanSampleSite
}

Describe 'Where nobody can answer' {
    It 'is each cmdlet tried that changes something' {
        # This one needs a PostgreSQL database; its question is the same.
        $known = @($steps.Keys) + 'Copy-AlloyScanStore'
        $changing = (Get-Command -Module AlloyScan.PowerShell | Where-Object { $_.Parameters.ContainsKey('Confirm') }).Name
        Compare-Object $known $changing | Should -BeNullOrEmpty
    }

    It 'is a question refused at once, and nothing is changed' {
        $before = Get-StoredState $store
        $results = Invoke-Step asked -Preference Low
        $results | Where-Object Failure -NotMatch 'NonInteractive' | ForEach-Object { "$($_.Cmdlet): $($_.Failure)" } | Should -BeNullOrEmpty
        Compare-Object $before (Get-StoredState (Join-Path $TestDrive 'asked.db')) | Should -BeNullOrEmpty
        "$TestDrive/out.json", "$TestDrive/profile.json" | Should -Not -Exist
    }

    It 'is only what cannot be taken back a question without being asked to ask' {
        $results = Invoke-Step plain -Preference High
        ($results | Where-Object Failure -Match 'NonInteractive').Cmdlet | Sort-Object | Should -Be 'Approve-AlloyScanSyncPlan', 'Remove-AlloyCmdbField', 'Undo-AlloyScanSync'
    }

    It 'does -Confirm:$false silence everything' {
        $results = Invoke-Step silent -Preference Low -Default '$PSDefaultParameterValues["*-Alloy*:Confirm"] = $false'
        $results | Where-Object Failure | ForEach-Object { "$($_.Cmdlet): $($_.Failure)" } | Should -BeNullOrEmpty
        "$TestDrive/out.json", "$TestDrive/profile.json" | Should -Exist
    }
}
