BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 30
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'profile.db'
    $null = New-AlloyScanSyncJob HQ -Store $store
    Set-Content (Join-Path $TestDrive 'wrong.json') '{ "device": { "serialNumber": "hardware.serial" } }'
    $null = New-AlloyScanSyncJob Wrong -ApiProfilePath (Join-Path $TestDrive 'wrong.json') -Store $store
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Test-AlloyScanApiProfile' {
    It 'names each location of the connection''s profile' {
        $checks = Test-AlloyScanApiProfile
        $checks[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Site.ApiProfileCheck'
        $checks.Section | Select-Object -Unique | Should -Be 'envelope', 'device', 'snapshot', 'adapter', 'software'
        $checks | Where-Object { $_.Verdict -notin 'Found', 'NotRead', 'Missing' } | Should -BeNullOrEmpty
    }

    It 'says what is wrong with a job''s profile, and the job marks nothing missing' {
        $checks = Test-AlloyScanApiProfile Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        ($checks | Where-Object Field -EQ serialNumber | Where-Object Section -EQ device).Verdict | Should -Be 'Guessed'
        "$warnings" | Should -BeLike "*of the job 'Wrong' did not pass*serialNumber*"
        $null = Invoke-AlloyScanSync Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -BeLike '*nothing is marked missing*'
    }

    It 'takes jobs from the pipeline and keeps what passed' {
        Set-Content (Join-Path $TestDrive 'right.json') '{ "paging": { "pageSize": 20 } }'
        $null = Set-AlloyScanSyncJob Wrong -ApiProfilePath (Join-Path $TestDrive 'right.json') -Store $store
        $checks = Get-AlloyScanSyncJob -Store $store | Test-AlloyScanApiProfile -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        ($checks | Where-Object Field -EQ total).Count | Should -Be 2
        $null = Invoke-AlloyScanSync Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -Not -BeLike '*nothing is marked missing*'
    }

    It 'reports a job that is not there' {
        Get-ErrorId { Test-AlloyScanApiProfile none -Store $store } | Should -Be 'JobNotFound'
    }
}
