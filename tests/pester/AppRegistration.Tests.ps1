BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 20
    $secret = $site.Credential.GetNetworkCredential().Password
    $id = $site.Credential.UserName
    $store = Join-Path $TestDrive 'registration.db'
    $PSDefaultParameterValues['*-AlloyScan*:Store'] = $store
}

AfterAll {
    $PSDefaultParameterValues.Remove('*-AlloyScan*:Store')
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'App registrations' {
    AfterEach {
        Get-AlloyScanSyncJob | Remove-AlloyScanSyncJob
        Get-AlloyScanAppRegistration | Remove-AlloyScanAppRegistration
        Remove-Item Env:ALLOYSCAN_PESTER_SECRET, Env:CREDENTIALS_DIRECTORY -ErrorAction Ignore
    }

    It 'has its secret as <Kind>' -ForEach @(
        @{ Kind = 'Credential'; Shown = 'protected for this account' }
        @{ Kind = 'ClientSecret'; Shown = 'protected for this account' }
        @{ Kind = 'ClientSecretVariable'; Shown = 'environment variable ALLOYSCAN_PESTER_SECRET' }
        @{ Kind = 'ClientSecretFile'; Shown = 'file *hq.secret' }
        @{ Kind = 'CredentialsDirectory'; Shown = 'file hq.secret of $CREDENTIALS_DIRECTORY' }
    ) {
        $env:ALLOYSCAN_PESTER_SECRET = $secret
        $folder = New-Item (Join-Path $TestDrive creds) -ItemType Directory -Force
        Set-Content (Join-Path $folder hq.secret) $secret
        $parameters = switch ($Kind) {
            'Credential' { @{ Credential = $site.Credential } }
            'ClientSecret' { @{ ClientId = $id; ClientSecret = $site.Credential.Password } }
            'ClientSecretVariable' { @{ ClientId = $id; ClientSecretVariable = 'ALLOYSCAN_PESTER_SECRET' } }
            'ClientSecretFile' { @{ ClientId = $id; ClientSecretFile = Join-Path $folder hq.secret } }
            'CredentialsDirectory' { $env:CREDENTIALS_DIRECTORY = $folder.FullName; @{ ClientId = $id; ClientSecretFile = 'hq.secret' } }
        }
        $added = Add-AlloyScanAppRegistration HQ $site.SiteUrl @parameters
        "$($added.ClientSecret)" | Should -BeLike $Shown

        $job = New-AlloyScanSyncJob HQ -AppRegistration hq
        $job.AppRegistration | Should -Be 'HQ'
        (Invoke-AlloyScanSync HQ).Status | Should -Be 'Succeeded'
        (Test-AlloyScanConnection -AppRegistration HQ).Succeeded | Should -BeTrue
        (Test-AlloyScanConnection -Job HQ).Succeeded | Should -BeTrue
    }

    It 'warns of a date that is near, at each run and test' {
        $soon = (Get-Date).ToUniversalTime().Date.AddDays(5)
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -Credential $site.Credential -ExpirationDate $soon -WarningVariable added -WarningAction SilentlyContinue
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
        $null = Invoke-AlloyScanSync HQ -WarningVariable run -WarningAction SilentlyContinue
        $null = Test-AlloyScanConnection -Job HQ -WarningVariable test -WarningAction SilentlyContinue
        $null = Connect-AlloyScan -AppRegistration HQ -Name dated -WarningVariable connected -WarningAction SilentlyContinue
        $null = Test-AlloyScanConnection -Connection dated -WarningVariable testConnected -WarningAction SilentlyContinue
        Disconnect-AlloyScan dated
        $null = Test-AlloyScanConnection -AppRegistration HQ -WarningVariable testRegistration -WarningAction SilentlyContinue
        $added, $run, $test, $connected, $testConnected, $testRegistration | ForEach-Object { "$_" | Should -BeLike "The app registration 'HQ' expires in 5 days*" }
        $check = Test-AlloyScanSync HQ | Where-Object Check -eq 'Registration expiry'
        $check.Verdict | Should -Be 'Warning'

        # A renewal is a new date and nothing else.
        $renewed = Set-AlloyScanAppRegistration HQ -ExpirationDate $soon.AddYears(1) -PassThru
        $renewed.State | Should -Be 'Active'
        $null = Invoke-AlloyScanSync HQ -WarningVariable run -WarningAction SilentlyContinue
        $run | Should -BeNullOrEmpty
        (Set-AlloyScanAppRegistration HQ -ExpirationDate $null -PassThru).State | Should -Be 'Unknown'
        (Set-AlloyScanAppRegistration HQ -ExpirationDate $soon.AddDays(-10) -PassThru -WarningAction SilentlyContinue).State | Should -Be 'Expired'
    }

    It 'moves its jobs when it is replaced' {
        # An address without slug is known by its client ID, and here that one has its own links already.
        $PSDefaultParameterValues = @{ '*-AlloyScan*:Store' = Join-Path $TestDrive 'replacement.db' }
        $old = [pscredential]::new('former-client', (ConvertTo-SecureString 'former-secret' -AsPlainText))
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -Credential $old
        $null = New-AlloyScanSyncJob One -AppRegistration HQ
        $null = New-AlloyScanSyncJob Two -SiteUrl $site.SiteUrl -Credential $old
        Get-ErrorId { Invoke-AlloyScanSync One } | Should -Be 'SyncFailed'

        Set-AlloyScanAppRegistration HQ -Credential $site.Credential -WhatIf
        (Get-AlloyScanAppRegistration HQ).ClientId | Should -Be 'former-client'
        Set-AlloyScanAppRegistration HQ -Credential $site.Credential
        Get-AlloyScanSyncJob | ForEach-Object { $_.ClientId, $_.AppRegistration | Should -Be $id, 'HQ' }
        ('One', 'Two' | Invoke-AlloyScanSync).Status | Should -Be 'Succeeded', 'Succeeded'
        Get-ErrorId { Remove-AlloyScanAppRegistration HQ } | Should -Be 'AppRegistrationInUse'
    }

    It 'lists, changes and removes by name and from the pipeline' {
        'One', 'Two' | ForEach-Object { $null = Add-AlloyScanAppRegistration $_ "https://$_.example/x" -ClientId $_ -ClientSecretVariable X }
        (Get-AlloyScanAppRegistration).Name | Should -Be 'One', 'Two'
        ('T*' | Get-AlloyScanAppRegistration).Name | Should -Be 'Two'
        Get-ErrorId { Get-AlloyScanAppRegistration Three } | Should -Be 'AppRegistrationNotFound'
        Get-ErrorId { Add-AlloyScanAppRegistration one https://other.example -ClientId x -ClientSecretVariable X } | Should -Be 'AppRegistrationExists'
        Get-ErrorId { Set-AlloyScanAppRegistration One -MonthlyBudget 0 } | Should -Be 'InvalidAppRegistration'
        (Get-AlloyScanAppRegistration | Set-AlloyScanAppRegistration -MonthlyBudget 500 -RechargeDay 31 -PassThru).MonthlyBudget | Should -Be 500, 500
        (Set-AlloyScanAppRegistration One -MonthlyBudget $null -NewName Uno -PassThru).MonthlyBudget | Should -BeNullOrEmpty
        (Get-AlloyScanAppRegistration Uno).RechargeDay | Should -Be 31
        Get-AlloyScanAppRegistration | Remove-AlloyScanAppRegistration -WhatIf
        Get-AlloyScanAppRegistration | Should -HaveCount 2
        Get-AlloyScanAppRegistration | Remove-AlloyScanAppRegistration
        Get-AlloyScanAppRegistration | Should -BeNullOrEmpty
    }

    It 'says which secret is missing, and whose' {
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -ClientSecretVariable ALLOYSCAN_PESTER_SECRET
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
        $failure = Get-ErrorOf { Invoke-AlloyScanSync HQ }
        $failure.FullyQualifiedErrorId | Should -BeLike 'SecretNotFound*'
        "$failure" | Should -BeLike "*app registration 'HQ'*job 'HQ'*ALLOYSCAN_PESTER_SECRET*the account '*' on '*'*"
    }

    It 'says it of <Way>, with the job, the account and the way out' -ForEach @(
        @{ Way = 'a file that is not there'; ErrorId = 'SecretNotFound'; Text = '*none.secret*'; Given = { @{ ClientId = $id; ClientSecretFile = Join-Path $TestDrive none.secret } } }
        @{ Way = 'a credential that systemd did not load'; ErrorId = 'SecretNotFound'; Text = '*CREDENTIALS_DIRECTORY*'; Given = { @{ ClientId = $id; ClientSecretFile = 'hq.secret' } } }
        @{ Way = 'a secret of another account'; ErrorId = 'SecretProtectionFailed'; Text = '*key file*was protected by*'; Given = { @{ Credential = $site.Credential } }; Then = { $env:XDG_DATA_HOME = Join-Path $TestDrive other } }
        @{ Way = 'a key file that others can read'; ErrorId = 'SecretProtectionFailed'; Text = '*read by others*'; Given = { $env:XDG_DATA_HOME = Join-Path $TestDrive open; @{ Credential = $site.Credential } }; Then = { chmod 0644 (Join-Path $TestDrive open AlloyScan secret.key) } }
        @{ Way = 'a damaged key file'; ErrorId = 'SecretProtectionFailed'; Text = '*damaged*'; Given = { $env:XDG_DATA_HOME = Join-Path $TestDrive damaged; @{ Credential = $site.Credential } }; Then = { Set-Content (Join-Path $TestDrive damaged AlloyScan secret.key) 'short' } }
    ) {
        if ($IsWindows -and $Then) {
            Set-ItResult -Skipped -Because 'on Windows DPAPI has the key'
            return
        }

        $before = $env:XDG_DATA_HOME
        try {
            $parameters = & $Given
            $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl @parameters
            if ($Then) { & $Then }
            $failure = Get-ErrorOf { Invoke-AlloyScanSync HQ }
            $failure.FullyQualifiedErrorId | Should -BeLike "$ErrorId,*"
            "$failure" | Should -BeLike "The client secret of the job 'HQ' (client ID '$id') cannot be had.*the account '$([Environment]::UserName)' on*"
            "$failure" | Should -BeLike $Text
            $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        }
        finally {
            $env:XDG_DATA_HOME = $before
        }
    }

    It 'are needed by <Name>, which says so at once' -ForEach @(
        @{ Name = 'a new job'; Make = { New-AlloyScanSyncJob None -SiteUrl $site.SiteUrl } }
        @{ Name = 'a new job with a client ID'; Make = { New-AlloyScanSyncJob None -SiteUrl $site.SiteUrl -ClientId $id } }
        @{ Name = 'a changed job'; Make = { $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $id -ClientSecretVariable X; Set-AlloyScanSyncJob HQ -ClientId other } }
        @{ Name = 'a copied job'; Make = { $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $id -ClientSecretVariable X; Copy-AlloyScanSyncJob HQ HQ2 -ClientId other } }
        @{ Name = 'a replacement'; Make = { $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -ClientSecretVariable X; Set-AlloyScanAppRegistration HQ -ClientId other } }
    ) {
        $failure = Get-ErrorOf $Make
        $failure.FullyQualifiedErrorId | Should -BeLike 'CredentialMissing,*'
        $failure.ErrorDetails.RecommendedAction | Should -BeLike '*-ClientSecretVariable*'
        Get-AlloyScanSyncJob None* | Should -BeNullOrEmpty
    }

    It 'are asked for where nobody can answer with an error, and not with a prompt' {
        "$(Invoke-Pwsh "Import-Module `$module; New-AlloyScanSyncJob HQ -Store '$store'; Add-AlloyScanAppRegistration HQ https://hq.example -Store '$store'")" | Should -Match '(?s)There is no connection.*mandatory parameters: Credential'
    }

    It 'come from a sample site through the pipeline, and with one client ID' {
        ($site | Add-AlloyScanAppRegistration HQ).ClientId | Should -Be $id
        Get-ErrorId { Add-AlloyScanAppRegistration Two https://two.example -Credential $site.Credential -ClientId other } | Should -Be 'InvalidAppRegistration'
        "$(Invoke-Pwsh "Import-Module `$module; Add-AlloyScanAppRegistration HQ https://hq.example -ClientId x -Store '$store'")" | Should -Match '(?s)mandatory parameters:\s+Credential'
    }

    It 'make a copy for their own site' {
        $null = Add-AlloyScanAppRegistration Branch https://branch.example/b -ClientId branch -ClientSecretVariable BRANCH
        $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $id -ClientSecretVariable X -RetireAfterDays 9
        $copy = Copy-AlloyScanSyncJob HQ Branch -AppRegistration branch
        $copy.AppRegistration, $copy.ClientId, "$($copy.SiteUrl)", $copy.RetireAfterDays | Should -Be 'Branch', 'branch', 'https://branch.example/b', 9
        Get-ErrorId { Copy-AlloyScanSyncJob HQ Other -AppRegistration none } | Should -Be 'AppRegistrationNotFound'
    }
}

Describe 'A secret in a vault' {
    BeforeAll {
        # Stands in for the real module: its name, its command, and vaults that open or not.
        $modules = Join-Path $TestDrive modules
        $fake = New-Item (Join-Path $modules Microsoft.PowerShell.SecretManagement) -ItemType Directory -Force
        Set-Content (Join-Path $fake Microsoft.PowerShell.SecretManagement.psm1) @'
function Get-Secret {
    [CmdletBinding()]
    param([string] $Name, [string] $Vault)
    if ($Vault -eq 'Locked') { Write-Error 'The vault is locked and needs a password.'; return }
    switch ($Name) {
        'hq' { ConvertTo-SecureString $env:ALLOYSCAN_PESTER_VAULT -AsPlainText }
        'hq-credential' { [pscredential]::new('anybody', (ConvertTo-SecureString $env:ALLOYSCAN_PESTER_VAULT -AsPlainText)) }
        'table' { @{ a = 1 } }
        default { Write-Error "The secret $Name was not found." }
    }
}
Export-ModuleMember -Function Get-Secret
'@
        $before = $env:PSModulePath
        $env:ALLOYSCAN_PESTER_VAULT = $secret
    }

    BeforeEach {
        $env:PSModulePath = "$modules$([IO.Path]::PathSeparator)$before"
    }

    AfterEach {
        Remove-Module Microsoft.PowerShell.SecretManagement -ErrorAction Ignore
        $env:PSModulePath = $before
        Get-AlloyScanSyncJob | Remove-AlloyScanSyncJob
        Get-AlloyScanAppRegistration | Remove-AlloyScanAppRegistration
    }

    AfterAll {
        Remove-Item Env:ALLOYSCAN_PESTER_VAULT
    }

    It 'is asked for when the job runs (<Name>)' -ForEach @{ Name = 'hq' }, @{ Name = 'hq-credential' } {
        "$((Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -VaultSecret $Name -Vault Work).ClientSecret)" | Should -Be "secret '$Name' of the vault 'Work'"
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
        (Invoke-AlloyScanSync HQ).Status | Should -Be 'Succeeded'
        Get-AlloyScanSyncPlan HQ 6> $null | Should -BeNullOrEmpty
        (Test-AlloyScanSync HQ | Where-Object Check -eq Token).Verdict | Should -Be 'Passed'
        (Test-AlloyScanConnection -Job HQ).Succeeded | Should -BeTrue
        (Test-AlloyScanConnection -AppRegistration HQ).Succeeded | Should -BeTrue
        Connect-AlloyScan -AppRegistration HQ | Disconnect-AlloyScan
    }

    It 'can be that of a job without a registration' {
        "$((New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $id -VaultSecret hq -Vault Work).ClientSecret)" | Should -Be "secret 'hq' of the vault 'Work'"
        (Invoke-AlloyScanSync HQ).Status | Should -Be 'Succeeded'
    }

    It 'is told as out of reach of the Automation Server when <Name>' -ForEach @(
        @{ Name = 'a job is made'; Act = { New-AlloyScanSyncJob HQ -AppRegistration HQ -Schedule $daily } }
        @{ Name = 'a schedule is set'; Act = { New-AlloyScanSyncJob HQ -AppRegistration HQ; Set-AlloyScanSyncJob HQ -Schedule $daily } }
        @{ Name = 'a job is enabled'; Act = { New-AlloyScanSyncJob HQ -AppRegistration HQ -Schedule $daily -Disabled; Enable-AlloyScanSyncJob HQ } }
        @{ Name = 'a job is copied'; Act = { New-AlloyScanSyncJob HQ -AppRegistration HQ -Schedule $daily -Disabled; Copy-AlloyScanSyncJob HQ HQ2 -Enabled } }
        @{ Name = 'a job is imported'; Act = { New-AlloyScanSyncJob HQ -AppRegistration HQ -Schedule $daily -Disabled; (Export-AlloyScanSyncJob HQ) -replace '"enabled": false', '"enabled": true' | Import-AlloyScanSyncJob -Name HQ2 } }
        @{ Name = 'a secret moves into a vault'; Act = { Set-AlloyScanAppRegistration HQ -ClientSecretVariable X; New-AlloyScanSyncJob HQ -AppRegistration HQ -Schedule $daily; Set-AlloyScanAppRegistration HQ -VaultSecret hq } }
    ) {
        $daily = @{ Occurs = 'Daily'; At = '01:00'; TimeZone = 'UTC' }
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -VaultSecret hq -Vault Work
        $warnings = & $Act 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] }
        $warnings | Should -HaveCount 1
        "$warnings" | Should -BeLike "*has a schedule*vault*the Automation Server (alloyscan) cannot run it*"
    }

    It 'says what is wrong with a vault: <ErrorId>' -ForEach @(
        @{ ErrorId = 'VaultUnavailable'; Secret = 'hq'; Vault = 'Locked'; Text = '*locked*' }
        @{ ErrorId = 'VaultUnavailable'; Secret = 'nobody'; Vault = 'Work'; Text = '*nobody*' }
        @{ ErrorId = 'InvalidVaultSecret'; Secret = 'table'; Vault = 'Work'; Text = '*holds no text*' }
    ) {
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -VaultSecret $Secret -Vault $Vault
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
        $failure = Get-ErrorOf { Invoke-AlloyScanSync HQ }
        $failure.FullyQualifiedErrorId | Should -BeLike "$ErrorId,*"
        "$failure" | Should -BeLike $Text
        "$failure" | Should -BeLike "The client secret of the app registration 'HQ', which the job 'HQ' uses,*"
        $failure = Get-ErrorOf { Connect-AlloyScan -AppRegistration HQ }
        "$failure" | Should -BeLike "The client secret of the app registration 'HQ' (client ID*"
    }

    It 'names the module that is missing' {
        $env:PSModulePath = $before
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -VaultSecret hq
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
        Get-ErrorId { Invoke-AlloyScanSync HQ } | Should -Be 'SecretManagementMissing'
    }

    It 'is in no stream and not in the store' {
        $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
        $all = & {
            Add-AlloyScanAppRegistration HQ $site.SiteUrl -ClientId $id -VaultSecret hq -MonthlyBudget 1000 | Format-List *
            New-AlloyScanSyncJob HQ -AppRegistration HQ | Format-List *
            Get-AlloyScanSyncPlan HQ
            Invoke-AlloyScanSync HQ | Format-List *
            Test-AlloyScanConnection -AppRegistration HQ -Detailed | Format-List *
            Get-AlloyScanAppRegistration | ConvertTo-Json -Depth 6
            Export-AlloyScanSyncJob HQ
            Get-AlloyScanApiUsage | Format-List *
            Set-AlloyScanAppRegistration HQ -Credential $site.Credential -PassThru | Format-List *
            Invoke-AlloyScanSync HQ
        } *>&1 | Out-String -Width 4096
        $all.Length | Should -BeGreaterThan 3000
        $all | Should -Not -BeLike "*$secret*"
        foreach ($file in Get-ChildItem "$store*") {
            $stream = [System.IO.FileStream]::new($file.FullName, 'Open', 'Read', 'ReadWrite')
            try {
                $bytes = [byte[]]::new($stream.Length)
                $stream.ReadExactly($bytes, 0, $bytes.Length)
            }
            finally {
                $stream.Dispose()
            }

            [System.Text.Encoding]::Latin1.GetString($bytes) | Should -Not -BeLike "*$secret*"
        }
    }
}

Describe 'Budgets' {
    BeforeAll {
        $null = Add-AlloyScanAppRegistration HQ $site.SiteUrl -Credential $site.Credential -MonthlyBudget 1000
    }

    BeforeEach {
        $null = New-AlloyScanSyncJob HQ -AppRegistration HQ
    }

    AfterEach {
        Get-AlloyScanSyncJob | Remove-AlloyScanSyncJob
    }

    It 'are shown before a run, in words and as an object (<Name>)' -ForEach @(
        @{ Name = 'plan'; Command = { Get-AlloyScanSyncPlan HQ -Full -InformationVariable info 6> $null } }
        @{ Name = 'rehearsal'; Command = { Invoke-AlloyScanSync HQ -Full -WhatIf -InformationVariable info 6> $null } }
    ) {
        $null = . $Command
        $forecast = @($info | Where-Object { $_.Tags -contains 'AlloyScan' })[0].MessageData
        $forecast.Details, $forecast.Pages, $forecast.Fits, $forecast.IsCounted | Should -Be 20, 1, $true, $true
        $forecast.MonthlyBudget | Should -Be 1000
        $forecast.MonthLeft | Should -BeLessThan 1000
        "$forecast" | Should -BeLike 'A real run makes * API calls (*20 devices*); planning it cost *'
    }

    It 'end a run cleanly, which says before that it will not fit' {
        $run = Invoke-AlloyScanSync HQ -Full -MaxApiCalls 12 -WarningVariable warnings -WarningAction SilentlyContinue
        $run.ApiCalls | Should -BeLessOrEqual 12
        $run.Status, $run.StoppedByBudget, $run.Errors | Should -Be 'PartiallySucceeded', $true, 0
        $run.Forecast.Fits | Should -BeFalse
        $warnings[0] | Should -BeLike 'This run needs up to * more API calls for 20 devices, and the budget leaves *'
    }

    It 'are counted, by registration, by day, and from jobs' {
        $before = (Get-AlloyScanApiUsage HQ).Calls
        $run = Invoke-AlloyScanSync HQ -Full
        $usage = Get-AlloyScanSyncJob HQ | Get-AlloyScanApiUsage
        $usage.AppRegistration, $usage.MonthlyBudget | Should -Be 'HQ', 1000
        $usage.Calls | Should -Be ($before + $run.ApiCalls)
        $usage.Left | Should -Be (1000 - $usage.Calls)
        ($usage.Days | Measure-Object Calls -Sum).Sum | Should -BeGreaterOrEqual $usage.Calls
        (Get-AlloyScanApiUsage -Job HQ).Calls | Should -Be $usage.Calls
        Get-ErrorId { Get-AlloyScanApiUsage Nobody } | Should -Be 'AppRegistrationNotFound'
        Get-ErrorId { Get-AlloyScanApiUsage -Job Nobody } | Should -Be 'JobNotFound'

        $null = Connect-AlloyScan -AppRegistration HQ -Name counted
        $null = Get-AlloyScanDevice -Connection counted
        (Get-AlloyScanApiUsage HQ).Calls | Should -BeGreaterThan $usage.Calls
        Disconnect-AlloyScan counted
    }

    It 'stop runs and connections when the month is spent, and say until when' {
        $used = (Get-AlloyScanApiUsage HQ).Calls
        Set-AlloyScanAppRegistration HQ -MonthlyBudget ([Math]::Max(1, $used))
        $run = Invoke-AlloyScanSync HQ -WarningAction SilentlyContinue
        $run.Status, $run.ApiCalls | Should -Be 'PartiallySucceeded', 0
        $run.Message | Should -BeLike "*monthly budget*'HQ' is spent. It recharges on 20*"
        Get-ErrorId { Connect-AlloyScan -AppRegistration HQ -Name spent; Get-AlloyScanDevice -Connection spent } | Should -Be 'BudgetSpent'
        # A test may be about just that.
        (Test-AlloyScanConnection -AppRegistration HQ).Succeeded | Should -BeTrue
        Set-AlloyScanAppRegistration HQ -MonthlyBudget 1000
    }
}
