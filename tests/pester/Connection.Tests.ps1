BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 12
    $secret = $site.Credential.GetNetworkCredential().Password
    $wrong = [pscredential]::new($site.ClientId, (ConvertTo-SecureString 'not-the-secret' -AsPlainText -Force))
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Connect-AlloyScan' {
    It 'connects with a credential' {
        $connection = Connect-AlloyScan $site.SiteUrl $site.Credential
        $connection.PSTypeNames | Should -Contain 'AlloyScan.PowerShell.Connections.AlloyScanConnection'
        $connection.IsCurrent | Should -BeTrue
        $connection.ClientId | Should -Be $site.ClientId
        $connection.TokenExpiresAt | Should -BeGreaterThan ([DateTimeOffset]::UtcNow)
    }

    It 'connects with client ID and secret' {
        (Connect-AlloyScan -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecret $site.ClientSecret).ApiCalls | Should -Be 1
    }

    It 'connects with a secret from an environment variable' {
        $env:ALLOYSCAN_TEST_SECRET = $secret
        try {
            Connect-AlloyScan -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretVariable ALLOYSCAN_TEST_SECRET | Should -Not -BeNullOrEmpty
        }
        finally {
            Remove-Item Env:ALLOYSCAN_TEST_SECRET
        }
    }

    It 'connects from the pipeline by property name' {
        $site | Connect-AlloyScan -Name piped | ForEach-Object Name | Should -Be 'piped'
    }

    It 'keeps the settings that were given' {
        $connection = $site | Connect-AlloyScan -Name tuned -ThrottleLimit 3 -TimeoutSec 7
        $connection.ThrottleLimit | Should -Be 3
        $connection.Timeout | Should -Be ([timespan]::FromSeconds(7))
    }

    It 'replaces a connection of the same name' {
        $first = $site | Connect-AlloyScan -Name twice
        $second = $site | Connect-AlloyScan -Name TWICE
        @(Get-AlloyScanConnection twice).Count | Should -Be 1
        $second.IsCurrent | Should -BeTrue
        $first.IsCurrent | Should -BeFalse
    }

    It 'fails with InvalidClient and the site''s words when the secret is wrong, and connects nothing' {
        $record = Get-ErrorOf { Connect-AlloyScan $site.SiteUrl $wrong -Name failed }
        $record.FullyQualifiedErrorId | Should -BeLike 'InvalidClient,*'
        $record.CategoryInfo.Category | Should -Be 'AuthenticationError'
        $record.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        Get-ErrorId { Get-AlloyScanConnection failed } | Should -Be 'ConnectionNotFound'
    }

    It 'fails with <Id> for <Url>' -ForEach @(
        @{ Url = 'http://127.0.0.1:9'; Id = 'SiteUnreachable' }
        @{ Url = 'http://alloyscan.example.com/hq'; Id = 'InsecureSiteUrl' }
        @{ Url = 'https://no-such-host.invalid'; Id = 'HostNotFound' }
        @{ Url = 'ftp://127.0.0.1'; Id = 'InvalidSiteUrl' }
    ) {
        Get-ErrorId { Connect-AlloyScan $Url $wrong } | Should -Be $Id
    }

    It 'says when the environment variable is not set' {
        Get-ErrorId { Connect-AlloyScan $site.SiteUrl -ClientId x -ClientSecretVariable ALLOYSCAN_NO_SUCH } | Should -Be 'SecretNotFound'
    }

    It 'says when the API profile cannot be read or understood' {
        Get-ErrorId { $site | Connect-AlloyScan -ApiProfilePath $TestDrive/none.json } | Should -Be 'ApiProfileUnreadable'
        Set-Content $TestDrive/bad.json 'not json'
        Get-ErrorId { $site | Connect-AlloyScan -ApiProfilePath $TestDrive/bad.json } | Should -Be 'InvalidApiProfile'
    }

    It 'takes an API profile by a path relative to the session''s location' {
        Set-Content $TestDrive/profile.json '{}'
        Push-Location $TestDrive
        try {
            $site | Connect-AlloyScan -ApiProfilePath ./profile.json | Should -Not -BeNullOrEmpty
        }
        finally {
            Pop-Location
        }
    }
}

Describe 'Get-AlloyScanConnection and Disconnect-AlloyScan' {
    BeforeEach {
        Get-AlloyScanConnection | Disconnect-AlloyScan
        $one = $site | Connect-AlloyScan -Name one
        $two = $site | Connect-AlloyScan -Name two
    }

    It 'lists connections by wildcard, by name and the current one' {
        (Get-AlloyScanConnection).Name | Should -Be 'one', 'two'
        (Get-AlloyScanConnection t*).Name | Should -Be 'two'
        ('one' | Get-AlloyScanConnection).Name | Should -Be 'one'
        (Get-AlloyScanConnection -Current).Name | Should -Be 'two'
        Get-AlloyScanConnection none* | Should -BeNullOrEmpty
    }

    It 'closes the current connection, and the one left becomes current' {
        Disconnect-AlloyScan
        (Get-AlloyScanConnection -Current).Name | Should -Be 'one'
        Disconnect-AlloyScan
        Get-ErrorId { Disconnect-AlloyScan } | Should -Be 'NotConnected'
    }

    It 'closes by name and from the pipeline' {
        Disconnect-AlloyScan one
        (Get-AlloyScanConnection).Name | Should -Be 'two'
        $two | Disconnect-AlloyScan
        Get-AlloyScanConnection | Should -BeNullOrEmpty
    }

    It 'names the command to run when there is no connection' {
        Get-AlloyScanConnection | Disconnect-AlloyScan
        $record = Get-ErrorOf { Get-AlloyScanDevice }
        $record.FullyQualifiedErrorId | Should -Be 'NotConnected,AlloyScan.PowerShell.Commands.GetAlloyScanDeviceCommand'
        $record.CategoryInfo.Category | Should -Be 'ConnectionError'
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*Connect-AlloyScan*'
    }

    It 'keeps connections to their runspace' {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Import-Module '$(Get-BuiltModulePath)/AlloyScan.PowerShell.psd1'; Get-AlloyScanConnection")
        $shell.Invoke() | Should -BeNullOrEmpty
        $shell.Dispose()
    }

    It 'completes names' {
        $line = 'Get-AlloyScanDevice -Connection t'
        [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.CompletionText | Should -Be 'two'
    }
}

Describe 'Test-AlloyScanConnection' {
    BeforeAll {
        $null = $site | Connect-AlloyScan -Name test
        $store = Join-Path $TestDrive 'connection.db'
        $null = $site | New-AlloyScanSyncJob Tested -Store $store
    }

    It 'tests <Way>' -ForEach @(
        @{ Way = 'the current connection'; Test = { Test-AlloyScanConnection } }
        @{ Way = 'a connection by name'; Test = { Test-AlloyScanConnection -Connection test } }
        @{ Way = 'a connection from the pipeline'; Test = { Get-AlloyScanConnection test | Test-AlloyScanConnection } }
        @{ Way = 'a site and credential'; Test = { Test-AlloyScanConnection $site.SiteUrl $site.Credential } }
        @{ Way = 'a connection name from the pipeline'; Test = { 'test' | Test-AlloyScanConnection } }
        @{ Way = 'client ID and secret'; Test = { Test-AlloyScanConnection $site.SiteUrl -ClientId $site.ClientId -ClientSecret $site.ClientSecret } }
        @{ Way = 'a job'; Test = { Test-AlloyScanConnection -Job Tested -Store $store } }
    ) {
        $result = & $Test
        $result.Succeeded | Should -BeTrue
        $result.DeviceCount | Should -Be 12
        $result.FailedStep | Should -BeNullOrEmpty
    }

    It 'emits a step an object with -Detailed' {
        $steps = Test-AlloyScanConnection -Detailed
        $steps.Step | Should -Be 'DNS', 'TLS', 'Token', 'Permission', 'Devices'
        $steps.Passed | Should -Not -Contain $false
    }

    It 'reports a failed check as a result, not as an error' {
        $result = Test-AlloyScanConnection $site.SiteUrl $wrong -ErrorAction Stop
        $result.Succeeded | Should -BeFalse
        $result.FailedStep | Should -Be 'Token'
        $result.Advice | Should -Not -BeNullOrEmpty
        (Test-AlloyScanConnection 'http://127.0.0.1:9' $wrong -ErrorAction Stop).Succeeded | Should -BeFalse
    }

    It 'names an unknown job' {
        Get-ErrorId { Test-AlloyScanConnection -Job none -Store $store } | Should -Be 'JobNotFound'
    }
}
