BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 5
    $connection = $site | Connect-AlloyScan -Name jobs
    $secret = $site.Credential.GetNetworkCredential().Password
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'New-AlloyScanSyncJob' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
    }

    It 'makes a job from <Way>' -ForEach @(
        @{ Way = 'the current connection'; Make = { New-AlloyScanSyncJob HQ -Store $store } }
        @{ Way = 'a connection by name'; Make = { New-AlloyScanSyncJob HQ -Connection jobs -Store $store } }
        @{ Way = 'a connection'; Make = { New-AlloyScanSyncJob HQ -Connection $connection -Store $store } }
        @{ Way = 'a site and credential'; Make = { New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -Credential $site.Credential -Store $store } }
        @{ Way = 'a site from the pipeline'; Make = { $site | New-AlloyScanSyncJob HQ -Store $store } }
        @{ Way = 'client ID and secret'; Make = { New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecret $site.ClientSecret -Store $store } }
    ) {
        $job = & $Make
        $job.Name | Should -Be 'HQ'
        $job.ClientId | Should -Be $site.ClientId
        "$($job.SiteUrl)" | Should -Be "$($site.SiteUrl)"
        $job.Enabled | Should -BeTrue
        (Test-AlloyScanConnection -Job HQ -Store $store).Succeeded | Should -BeTrue
    }

    It 'keeps a reference to an environment variable or a file, and reads the secret when it is needed' {
        Set-Content $TestDrive/secret.txt $secret
        $null = New-AlloyScanSyncJob file -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretFile $TestDrive/secret.txt -Store $store
        $null = New-AlloyScanSyncJob variable -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretVariable ALLOYSCAN_TEST_JOB -Store $store
        (Test-AlloyScanConnection -Job file -Store $store).Succeeded | Should -BeTrue
        Get-ErrorId { Test-AlloyScanConnection -Job variable -Store $store } | Should -Be 'SecretNotFound'
        $env:ALLOYSCAN_TEST_JOB = $secret
        (Test-AlloyScanConnection -Job variable -Store $store).Succeeded | Should -BeTrue
        Remove-Item Env:ALLOYSCAN_TEST_JOB
    }

    It 'gives default names, numbered' {
        (1..3 | ForEach-Object { New-AlloyScanSyncJob -Store $store }).Name | Should -Be 'AlloyScan Synchronization', 'AlloyScan Synchronization (1)', 'AlloyScan Synchronization (2)'
    }

    It 'has the defaults of the vendor''s dialog' {
        $job = New-AlloyScanSyncJob -Store $store
        $job.NewComputerAction, $job.ExistingComputerAction, $job.NewHardwareAction, $job.ExistingHardwareAction | Should -Be 2943, 2944, 2945, 2946
        "$($job.ImportSoftware)" | Should -Be 'All'
        "$($job.RetiredOriginal)" | Should -Be 'Keep'
        $job.ThrottleLimit | Should -Be 8
    }

    It 'takes every setting' {
        $job = New-AlloyScanSyncJob All -Disabled -NewComputerAction 2943 -ExistingComputerAction 2944 -NewHardwareAction 2945 -ExistingHardwareAction 2946 -ImportSoftware Windows, macos -RetiredOriginal Delete -ThrottleLimit 2 -Store $store
        $job.Enabled | Should -BeFalse
        "$($job.ImportSoftware)" | Should -Be 'Windows, MacOS'
        "$($job.RetiredOriginal)" | Should -Be 'Delete'
        $job.ThrottleLimit | Should -Be 2
    }

    It 'refuses <Words> as platforms with <Id>' -ForEach @(
        @{ Words = @('Solaris'); Id = 'UnknownPlatform' }
        @{ Words = @('All', 'Linux'); Id = 'InvalidPlatformChoice' }
        @{ Words = @('Windows', 'None'); Id = 'InvalidPlatformChoice' }
    ) {
        $record = Get-ErrorOf { New-AlloyScanSyncJob -ImportSoftware $Words -Store $store }
        $record.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*Windows, Linux, MacOS*'
        Get-AlloyScanSyncJob -Store $store | Should -BeNullOrEmpty
    }

    It 'refuses a name that is taken' {
        $null = New-AlloyScanSyncJob HQ -Store $store
        $record = Get-ErrorOf { New-AlloyScanSyncJob hq -Store $store }
        $record.FullyQualifiedErrorId | Should -BeLike 'JobExists,*'
        $record.CategoryInfo.Category | Should -Be 'ResourceExists'
    }

    It 'refuses a service action that does not exist' {
        Get-ErrorId { New-AlloyScanSyncJob -NewComputerAction 1 -Store $store } | Should -Be 'ServiceActionNotFound'
    }

    It 'saves nothing with -WhatIf' {
        New-AlloyScanSyncJob HQ -Store $store -WhatIf | Should -BeNullOrEmpty
        Get-AlloyScanSyncJob -Store $store | Should -BeNullOrEmpty
    }

    It 'says what is wrong with the store: <Id>' -ForEach @(
        @{ Id = 'NotAStore'; Path = { Set-Content $TestDrive/text.db ('no database ' * 1000); "$TestDrive/text.db" } }
        @{ Id = 'UnsupportedStore'; Path = { 'Host=db;Username=alloy' } }
        @{ Id = 'SecretInArgument'; Path = { 'Host=db;Database=alloy;Password=x' } }
    ) {
        Get-ErrorId { New-AlloyScanSyncJob -Store (& $Path) } | Should -Be $Id
    }

    It 'takes a store path relative to the session''s location' {
        New-Item -ItemType Directory $TestDrive/here -Force | Out-Null
        Push-Location $TestDrive/here
        try {
            $null = New-AlloyScanSyncJob -Store ./relative.db
        }
        finally {
            Pop-Location
        }

        "$TestDrive/here/relative.db" | Should -Exist
    }
}

Describe 'Get-, Set-, Enable-, Disable- and Remove-AlloyScanSyncJob' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $null = 'Berlin', 'Boston', 'Paris' | ForEach-Object { New-AlloyScanSyncJob $_ -Store $store }
    }

    It 'lists by name and wildcard' {
        (Get-AlloyScanSyncJob -Store $store).Name | Should -Be 'Berlin', 'Boston', 'Paris'
        (Get-AlloyScanSyncJob B* -Store $store).Name | Should -Be 'Berlin', 'Boston'
        ('paris', 'berlin' | Get-AlloyScanSyncJob -Store $store).Name | Should -Be 'Paris', 'Berlin'
        Get-AlloyScanSyncJob X* -Store $store | Should -BeNullOrEmpty
    }

    It 'reports an unknown name, lists the known ones, and goes on' {
        $found = Get-AlloyScanSyncJob Nowhere, Paris -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue
        $found.Name | Should -Be 'Paris'
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'JobNotFound,*'
        "$($problem[0]) $($problem[0].ErrorDetails.RecommendedAction)" | Should -BeLike '*Berlin*Boston*Paris*'
        $problem[0].TargetObject | Should -Be 'Nowhere'
    }

    It 'uses the store of ALLOYSCAN_STORE by default' {
        $before = $env:ALLOYSCAN_STORE
        $env:ALLOYSCAN_STORE = $store
        try {
            (Get-AlloyScanSyncJob Paris).Name | Should -Be 'Paris'
            $line = 'Invoke-AlloyScanSync B'
            [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.CompletionText | Should -Be 'Berlin', 'Boston'
        }
        finally {
            $env:ALLOYSCAN_STORE = $before
        }
    }

    It 'completes nothing and makes no file when there is no store' {
        $before = $env:ALLOYSCAN_STORE
        $env:ALLOYSCAN_STORE = "$TestDrive/none.db"
        try {
            $line = 'Get-AlloyScanSyncJob -Name '
            [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.CompletionText | Should -Not -Contain 'Berlin'
            "$TestDrive/none.db" | Should -Not -Exist
        }
        finally {
            $env:ALLOYSCAN_STORE = $before
        }
    }

    It 'changes what is named and leaves the rest' {
        $before = Get-AlloyScanSyncJob Berlin -Store $store
        Set-AlloyScanSyncJob Berlin -ImportSoftware None -Store $store | Should -BeNullOrEmpty
        $after = Get-AlloyScanSyncJob Berlin -Store $store
        "$($after.ImportSoftware)" | Should -Be 'None'
        foreach ($property in 'Id', 'Enabled', 'ClientId', 'NewComputerAction', 'RetiredOriginal', 'ThrottleLimit') {
            $after.$property | Should -Be $before.$property
        }
    }

    It 'changes jobs from the pipeline, which carry their store' {
        Get-AlloyScanSyncJob B* -Store $store | Set-AlloyScanSyncJob -ThrottleLimit 3
        (Get-AlloyScanSyncJob -Store $store).ThrottleLimit | Should -Be 3, 3, 8
    }

    It 'changes the registration' {
        Set-AlloyScanSyncJob Berlin -ClientId other -ClientSecretVariable ANY -Store $store
        $job = Get-AlloyScanSyncJob Berlin -Store $store
        $job.ClientId | Should -Be 'other'
        "$($job.ClientSecret)" | Should -Be 'environment variable ANY'
        (Set-AlloyScanSyncJob Berlin -Connection jobs -Store $store -PassThru).ClientId | Should -Be $site.ClientId
        (Set-AlloyScanSyncJob Berlin -Credential ([pscredential]::new('third', $site.ClientSecret)) -Store $store -PassThru).ClientId | Should -Be 'third'
    }

    It 'renames, and refuses a name that is taken' {
        (Set-AlloyScanSyncJob Berlin -NewName Bern -Store $store -PassThru).Name | Should -Be 'Bern'
        Get-ErrorId { Set-AlloyScanSyncJob Bern -NewName Paris -Store $store } | Should -Be 'JobExists'
    }

    It 'changes nothing with -WhatIf' {
        Set-AlloyScanSyncJob Berlin -ThrottleLimit 1 -Store $store -WhatIf
        Get-AlloyScanSyncJob Berlin -Store $store | Disable-AlloyScanSyncJob -WhatIf
        Remove-AlloyScanSyncJob Berlin -Store $store -WhatIf
        $job = Get-AlloyScanSyncJob Berlin -Store $store
        $job.ThrottleLimit | Should -Be 8
        $job.Enabled | Should -BeTrue
    }

    It 'disables and enables' {
        Disable-AlloyScanSyncJob Berlin, Paris -Store $store
        (Get-AlloyScanSyncJob -Store $store).Enabled | Should -Be $false, $true, $false
        (Get-AlloyScanSyncJob -Store $store | Enable-AlloyScanSyncJob -PassThru).Enabled | Should -Be $true, $true, $true
        'Berlin' | Disable-AlloyScanSyncJob -Store $store
        (Get-AlloyScanSyncJob Berlin -Store $store).Enabled | Should -BeFalse
        Get-ErrorId { Enable-AlloyScanSyncJob none -Store $store } | Should -Be 'JobNotFound'
    }

    It 'removes by name and from the pipeline, and goes on after an unknown one' {
        Remove-AlloyScanSyncJob none, Berlin -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'JobNotFound,*'
        Get-AlloyScanSyncJob P* -Store $store | Remove-AlloyScanSyncJob
        (Get-AlloyScanSyncJob -Store $store).Name | Should -Be 'Boston'
    }
}
